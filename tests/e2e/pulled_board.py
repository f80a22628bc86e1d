"""main.py of a board that records a simulated MPU6050, for test_pull.py.

Runs on an emulated board, not under pytest. Frame k is (k % 1000, k // 1000, 1000, ..), in 1/1000
of the unit, so that each frame says which one it is.
"""

from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip

from tinysense.drivers.mpu6050 import MPU6050
from tinysense.field import recorder as field_recorder
from tinysense.field.recorder import Recorder
from tinysense.ticks import ticks_us


class Numbered:
    """Frames made when they are asked for."""

    def __len__(self):
        return 1000000

    def __getitem__(self, k):
        return (k % 1000, k // 1000, 1000, 0, 0, 0)


def record():
    field_recorder.utc_now = lambda: 0  # the emulator has a clock, most boards have none
    chip = Chip(Numbered(), ticks_us)
    driver = MPU6050(Bus(chip), 200000, range_g=4, gyro=True)
    recorder = Recorder(driver, "/rec", ("walk", "run"), segment_kb=8, note="left wrist",
                        start="resume")
    recorder.start()
    told = 0
    try:
        while True:
            recorder.step()
            if recorder.synced != told:
                told = recorder.synced
                print("synced", recorder._writer.id, recorder._writer.blocks)
    finally:
        recorder.close()


record()
