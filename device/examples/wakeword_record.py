"""The wake word starts a recording of three seconds: 1.wav, 2.wav, ... INMP441 on 16, 17, 18."""

import struct

import tinysense
from tinysense.drivers.i2s_microphone import I2SMicrophone
from tinysense.ticks import sleep_ms

model = tinysense.load("wakeword.tsm")
rate = model.sensor.rate_mhz // 1000
options = {"sck": 16, "ws": 17, "sd": 18, "buffer_ms": 200}
microphone = I2SMicrophone(options, model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(microphone, model)
block = memoryview(bytearray(1024))
recordings = 0
while True:
    if pipeline.step() is None:
        sleep_ms(pipeline.pause_ms())
        continue
    recordings += 1
    left = 3 * rate
    with open("%d.wav" % recordings, "wb") as f:
        f.write(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 2 * left, b"WAVE", b"fmt ", 16, 1,
                            1, rate, 2 * rate, 2, 16, b"data", 2 * left))
        while left > 0:
            n = min(microphone.read_into(block), left)
            f.write(block[: 2 * n])
            left -= n
    pipeline.skip(3 * rate)
