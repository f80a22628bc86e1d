"""The .tflite format: read into a Graph, and run by TFLite's reference kernels (`reference`)."""

from tinysense_host.tflite.reader import load, read, read_bytes, with_valid_axes

__all__ = ["load", "read", "read_bytes", "with_valid_axes"]
