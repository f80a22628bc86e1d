"""One second of sound to a WAV file, losses counted. INMP441: SCK on pin 16, WS 17, SD 18."""

import struct

from tinysense.drivers.i2s_microphone import I2SMicrophone

RATE, FRAMES = 16000, 16000
WIRES = {"sck": 16, "ws": 17, "sd": 18}

block = memoryview(bytearray(1024))
frames = 0
with open("sound.wav", "wb") as f:
    f.write(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 2 * FRAMES, b"WAVE", b"fmt ", 16, 1, 1,
                        RATE, 2 * RATE, 2, 16, b"data", 2 * FRAMES))
    with I2SMicrophone(dict(WIRES, gain_db=12, buffer_ms=200), RATE * 1000) as microphone:
        while frames < FRAMES:
            n = min(microphone.read_into(block), FRAMES - frames)
            f.write(block[: 2 * n])
            frames += n
print("%d frames, %d lost, %d clipped" % (frames, microphone.dropped, microphone.clipped))
