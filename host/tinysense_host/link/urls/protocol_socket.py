"""socket://, for pyserial."""

from tinysense_host.link.network import SocketPort

__all__ = ["serial_class_for_url"]


def serial_class_for_url(url: str) -> tuple[str, type[SocketPort]]:
    """What pyserial asks: the URL to open, and the class to do it."""
    return url, SocketPort
