"""sounddevice as far as the project uses it, with devices that tests make and blocks they send."""

from types import SimpleNamespace


class PortAudioError(Exception):
    """What the real one raises."""


class Sound:
    """The module: ``devices`` as query_devices lists them; ``usual`` is the default's number."""

    PortAudioError = PortAudioError

    def __init__(self, devices=(("Speakers", 0), ("Desk microphone", 1), ("Headset", 2)), usual=1,
                 rates=(16000, 44100, 48000), busy=False):
        self.devices = [{"name": n, "index": i, "max_input_channels": c}
                        for i, (n, c) in enumerate(devices)]
        self.usual, self.rates, self.busy = usual, rates, busy
        self.stream = None

    def query_devices(self, device=None, kind=None):
        if kind is None:
            return self.devices
        if device is None:
            if self.usual is None:
                raise PortAudioError("Error querying device -1")
            return self.devices[self.usual]
        if isinstance(device, int):
            if not 0 <= device < len(self.devices):
                raise PortAudioError(f"Error querying device {device}")
            found = [self.devices[device]]
        else:
            found = [d for d in self.devices if device.lower() in d["name"].lower()]
        found = [d for d in found if d["max_input_channels"] > 0]
        if len(found) != 1:
            raise ValueError(f"No input device matching {device!r}")
        return found[0]

    def check_input_settings(self, device, channels, dtype, samplerate):
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def RawInputStream(self, **options):
        self.stream = Stream(self, **options)
        return self.stream


class Stream:
    """Sends nothing by itself: send(samples) is PortAudio's thread."""

    def __init__(self, module, samplerate, blocksize, device, channels, dtype, callback):
        assert (channels, dtype) == (1, "int16")
        self.module, self.rate, self.block, self.device = module, samplerate, blocksize, device
        self._callback, self._at = callback, 0
        self.running = False

    def start(self):
        if self.module.busy:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]\nmore")
        self.running = True

    def send(self, samples, lost=0):
        """Samples in blocks; ``lost`` samples before the first are told as an overrun."""
        for at in range(0, len(samples), self.block):
            part = samples[at : at + self.block]
            overflow, lost_now = lost > 0 and at == 0, lost if at == 0 else 0
            self._at += lost_now
            times = SimpleNamespace(inputBufferAdcTime=100 + self._at / self.rate)
            self._callback(memoryview(part.tobytes()), len(part), times,
                           SimpleNamespace(input_overflow=overflow))
            self._at += len(part)

    def close(self):
        self.running = False
