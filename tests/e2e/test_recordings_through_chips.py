"""Real and simulated motion through the chips' registers: what drivers give is what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from chips import adxl345 as adxl345_chip
from chips import lis3dh as lis3dh_chip
from chips import lsm6ds3 as lsm6ds3_chip
from chips import lsm6dsox as lsm6dsox_chip
from chips import mpu6050 as mpu6050_chip
from chips.bench import Bench
from expect import Ticks

from tinysense.channels import each
from tinysense.drivers import adxl345, lis3dh, lsm6ds3, lsm6dsox, mpu6050
from tinysense_host.simulate import Sensor, gesture, person

Motion = npt.NDArray[np.int64]      # (frames, channels) in 1/1000 of the units
RANGE_G = 4
# Driver, chip, what a step of the chip is in mg at +-4 g, has a gyroscope.
CHIPS: dict[str, tuple[Any, Any, float, bool]] = {
    "mpu6050": (mpu6050.MPU6050, mpu6050_chip.MPU6050, 0.13, True),
    "lsm6dsox": (lsm6dsox.LSM6DSOX, lsm6dsox_chip.LSM6DSOX, 0.13, True),
    "lsm6ds3": (lsm6ds3.LSM6DS3, lsm6ds3_chip.LSM6DS3, 0.13, True),
    "lis3dh": (lis3dh.LIS3DH, lis3dh_chip.LIS3DH, 8.0, False),
    "adxl345": (adxl345.ADXL345, adxl345_chip.ADXL345, 3.95, False),
}


def through(name: str, motion: Motion, rate_mhz: int) -> tuple[Motion, Bench]:
    """What the driver gives while the chip plays the motion once, in 1/1000 of the units."""
    kind, chip, _, gyro = CHIPS[name]
    now = Ticks()
    options = {"gyro": True} if gyro and motion.shape[1] == 6 else {}
    played = chip([tuple(frame) for frame in motion.tolist()], now)
    bench = Bench(kind, played, now, rate_mhz=rate_mhz, range_g=RANGE_G, **options)
    first = played.sample
    counts = bench.collect(len(motion) * 1000 / bench.driver.rate_mhz + 1, 40000)
    frames = np.array(counts, np.int64).reshape(-1, bench.driver.channels)
    scales = np.array(each(bench.driver.scale, bench.driver.channels))
    assert bench.driver.dropped == 0 and len(frames) >= len(motion) - first
    return np.rint(frames[: len(motion) - first] * scales * 1000).astype(np.int64), bench


def agrees(name: str, motion: Motion, rate_mhz: int, step_mdps: float = 70) -> None:
    given, bench = through(name, motion, rate_mhz)
    wanted = motion[len(motion) - len(given):]
    limit = 1000 * np.array(each(bench.driver.full_scale, motion.shape[1]))
    wanted = np.clip(wanted, -limit, limit)
    steps = np.array([CHIPS[name][2]] * 3 + [step_mdps] * 3)[: motion.shape[1]]
    worst = np.abs(given - wanted).max(axis=0)
    assert np.all(worst <= steps + 1), (name, worst, steps)


@pytest.mark.parametrize("name", CHIPS)
def test_people_who_walk(name: str, shared: Path) -> None:
    """Real accelerometer data in mg: 26 Hz, +-4 g."""
    files = sorted((shared / "data" / "har_stm32_26hz" / "walking").glob("*.csv"))[:3]
    assert files
    for file in files:
        motion = np.loadtxt(file, delimiter=",").astype(np.int64)
        assert motion.shape[1] == 3 and len(motion) > 100
        agrees(name, motion, 25000)


@pytest.mark.parametrize("name", [name for name, facts in CHIPS.items() if facts[3]])
def test_simulated_people_in_six_axes(name: str) -> None:
    sensor = Sensor(rate_hz=104.0, full_scale_g=RANGE_G, full_scale_dps=2000.0)
    counts = gesture("ring", person(3), sensor, np.random.default_rng(5), strokes=2)
    full = np.array([RANGE_G] * 3 + [2000] * 3)
    agrees(name, np.rint(counts * full * 1000 / 32768).astype(np.int64), 104000)
