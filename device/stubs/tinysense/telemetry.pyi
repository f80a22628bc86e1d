"""A pipeline that tells the host what it sees while it runs: frames, inputs, scores, events.

    watch(pipeline, signal=True)

What is sent is chosen by whoever watches; all of it in frames of tinysense.link.
"""

# Written by device/files.py.
from .link import Link
from .pipeline import Pipeline

SIGNAL: int
FRAMES: int

def watch(pipeline: Pipeline, seconds: float | None = None, link: Link | None = None, scores: bool = True, signal: str = '', inputs: bool = False) -> None:
    """Runs a pipeline and sends its events and counters, for a time or until it ends.

    scores: those of every window. signal: "signal" for the extremes of every fifth of a
    second, "frames" for the driver's frames themselves. inputs: what features made of a
    window, its newest rows where it has rows, cut to what a message holds.
    Ctrl-C ends it too. seconds counts by the driver's frames.
    """

class Tap:
    """Stands between a pipeline and its features: sends the frames that come and what is made
    of them. close() sends what is left and takes it out.

    Takes its memory here. Where the core lacks the block that finds extremes (a small
    native module), frames are sent in their place.
    """
    sent: int
    lost: int
    def __init__(self, pipeline: Pipeline, link: Link, signal: str = '', inputs: bool = False) -> None: ...
    def close(self) -> None:
        """Sends the frames gathered so far; the pipeline is as it was."""
