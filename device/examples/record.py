"""Records two seconds to a file, losses counted. MPU6050 on pins 4 and 5."""

from machine import I2C, Pin

from tinysense.drivers.mpu6050 import MPU6050
from tinysense.recording import Writer

SECONDS, LABEL = 2, "ring"

driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=100000, range_g=4)
frames = bytearray(2 * driver.channels)
lost = 0
with Writer("ring.tsr", driver.rate_mhz, driver.channels, driver.units, driver.full_scale,
            LABEL) as recording:
    while recording.frames + recording.lost < SECONDS * driver.rate_mhz // 1000:
        n = driver.read_into(frames)
        if n:
            recording.write(frames, n, driver.dropped - lost)
            lost = driver.dropped
print("%d frames, %d lost" % (recording.frames, recording.lost))
