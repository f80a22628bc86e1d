"""rfc2217://, for pyserial."""

from tinysense_host.link.network import Rfc2217Port

__all__ = ["serial_class_for_url"]


def serial_class_for_url(url: str) -> tuple[str, type[Rfc2217Port]]:
    """What pyserial asks: the URL to open, and the class to do it."""
    return url, Rfc2217Port
