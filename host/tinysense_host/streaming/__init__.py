"""A window model as a streaming one: state for each layer instead of computing the overlap anew."""

from tinysense_host.streaming.proof import golden, prove, settled
from tinysense_host.streaming.stream import Streamed, stream

__all__ = ["Streamed", "golden", "prove", "settled", "stream"]
