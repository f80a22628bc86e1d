"""Copying inside buffers without making a slice: by the core, byte by byte where there is none."""

try:
    from _tinysense import bytes_copy as copy_bytes  # noqa: F401
except (ImportError, ValueError):

    def copy_bytes(to: bytearray, at: int, source: "Buffer", start: int, n: int) -> int:
        """Copies ``n`` bytes, to ``at`` in ``to`` from ``start`` in ``source``; -1 if outside."""
        if min(at, start, n) < 0 or at + n > len(to) or start + n > len(source):
            return -1
        for i in range(n):
            to[at + i] = source[start + i]
        return 0
