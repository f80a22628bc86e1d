"""The computer's microphone, through PortAudio (package sounddevice)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import TinysenseError
from .drivers import BLOCK_MS, SoundDriver
from .levels import Samples

__all__ = ["Microphone", "input_devices"]

HELD_MS = 2000    # kept for a slow reader; what comes then is lost, and counted
SILENCE_S = 3.0   # a device that gives nothing for so long is gone


def _portaudio() -> Any:
    """The module sounddevice; what is missing as one line."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise TinysenseError("the microphone needs the Python package 'sounddevice'",
                             "pip install 'tinysense[sound]'") from error  # fmt: skip
    except OSError as error:
        raise TinysenseError("the microphone needs the library PortAudio, which is not here",
                             "apt install libportaudio2") from error  # fmt: skip
    return sounddevice


def input_devices() -> list[tuple[int, str]]:
    """(number, name) of everything that records."""
    devices = enumerate(_portaudio().query_devices())
    return [(i, str(d["name"])) for i, d in devices if d["max_input_channels"] > 0]


class Microphone(SoundDriver):
    """Records at ``rate_hz`` from a device (number, part of a name; None: the usual one).

    A driver of the device package, and a context manager. ``dropped`` counts
    samples lost because nobody read for two seconds, or by PortAudio;
    ``overruns`` how often the latter happened. ``seconds`` ends it after
    that many samples. TinysenseError where there is no such device, or it
    has no such rate.
    """

    def __init__(
        self, rate_hz: int, device: int | str | None = None, seconds: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__(rate_hz)
        self.overruns = 0
        self._rate_hz, self._now = rate_hz, now
        self._left = -1 if seconds is None else round(seconds * rate_hz)
        self._block = max(1, rate_hz * BLOCK_MS // 1000)
        self._waiting: deque[tuple[int, Samples]] = deque()  # (lost before, samples)
        self._lost = 0            # since the block that was kept last
        self._adc = 0.0           # when the next sample was due, by the device's clock
        self._heard = now()
        portaudio = _portaudio()
        self.name, number = _chosen(portaudio, device)
        self._stream = _stream(portaudio, rate_hz, number, self.name, self._block, self._called)

    def _called(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio's thread: keeps the block, or counts it as lost."""
        self._lost += self._overrun(frames, times, status)
        self._adc = times.inputBufferAdcTime + frames / self._rate_hz
        if len(self._waiting) * self._block >= HELD_MS * self._rate_hz // 1000:
            self._lost += frames
            return
        samples = np.frombuffer(bytes(data), np.int16)
        self._waiting.append((self._lost, samples))
        self._lost = 0
        self.blocks += 1

    def _overrun(self, frames: int, times: Any, status: Any) -> int:
        """Samples that PortAudio lost before this block: by its clock, else a block's worth."""
        if not status.input_overflow:
            return 0
        self.overruns += 1
        missed = float(times.inputBufferAdcTime - self._adc)
        return max(frames, round(missed * self._rate_hz))

    def _take(self, room: int) -> Samples:
        if self._left == 0:
            self.done = True
        if self.done:
            return np.zeros(0, np.int16)
        if not self._waiting:
            self._check_alive()
            return np.zeros(0, np.int16)
        self._heard = self._now()
        lost, samples = self._waiting.popleft()
        self.dropped += lost
        count = min(room, len(samples)) if self._left < 0 else min(room, len(samples), self._left)
        if count < len(samples):
            self._waiting.appendleft((0, samples[count:]))
        self._left -= count if self._left > 0 else 0
        return samples[:count]

    def _check_alive(self) -> None:
        if self._now() - self._heard > SILENCE_S:
            raise TinysenseError(f"{self.name} gave no sound for {SILENCE_S:.0f} s",
                                 "see that it is connected, or choose another with --device")

    def close(self) -> None:
        """Stops the device."""
        super().close()
        self._stream.close()

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _chosen(portaudio: Any, device: int | str | None) -> tuple[str, int]:
    """(name, number) of a device that records."""
    found = input_devices()
    if not found:
        raise TinysenseError("this computer has no microphone that PortAudio knows",
                             "connect one, or give a sound file")  # fmt: skip
    try:
        chosen = portaudio.query_devices(device, "input")
    except (portaudio.PortAudioError, ValueError) as error:
        there = ", ".join(f"{number} {name}" for number, name in found)
        what = "no usual microphone is set" if device is None else f"no microphone {device!r}"
        raise TinysenseError(what, f"choose with --device from: {there}") from error
    return str(chosen["name"]), int(chosen["index"])


def _stream(
    portaudio: Any, rate_hz: int, number: int, name: str, block: int, called: Any
) -> Any:
    """A stream that runs; TinysenseError where the device will not."""
    try:
        portaudio.check_input_settings(
            device=number, channels=1, dtype="int16", samplerate=rate_hz)
    except portaudio.PortAudioError as error:
        raise TinysenseError(f"{name} does not record at {rate_hz} Hz ({_reason(error)})",
                             "choose another with --device") from error  # fmt: skip
    try:
        stream = portaudio.RawInputStream(
            samplerate=rate_hz, blocksize=block, device=number, channels=1, dtype="int16",
            callback=called)
        stream.start()
    except portaudio.PortAudioError as error:
        raise TinysenseError(f"{name} cannot be opened ({_reason(error)})",
                             "another program may hold it") from error  # fmt: skip
    return stream


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or ["unknown"])[0]
