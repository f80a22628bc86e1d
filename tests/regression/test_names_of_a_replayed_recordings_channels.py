"""What the replay driver played was recorded with channels 0 1 2, which no recipe takes."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinysense import link
from tinysense.channels import names
from tinysense_host.importers import Facts, read_npy

IMU = ("g", "g", "g", "deg/s", "deg/s", "deg/s")


@pytest.mark.parametrize(("channels", "units"), [(1, "g"), (3, "g"), (4, "g"), (6, "g"), (6, IMU)])
def test_named_as_an_imported_recording_is(tmp_path, channels, units):
    driver = SimpleNamespace(rate_mhz=25000, channels=channels, units=units, full_scale=4)
    np.save(tmp_path / "a.npy", np.ones((5, channels)))
    facts = Facts(25, units if isinstance(units, str) else ",".join(units))
    imported = read_npy(tmp_path / "a.npy", facts).recording
    assert tuple(link.facts(driver)["channels"]) == imported.channels


def test_names_follow_the_units():
    six = ("x", "y", "z", "gx", "gy", "gz")
    assert names(6, IMU) == six and names(6, IMU[3:] + IMU[:3]) == six[3:] + six[:3]
    assert names(9, IMU + ("uT",) * 3) == (*six, "mx", "my", "mz")
    assert names(6, "deg/s") == names(6) == ("c0", "c1", "c2", "c3", "c4", "c5")
    assert names(4, IMU[:4]) == ("c0", "c1", "c2", "c3")


def test_a_drivers_own_names_win():
    driver = SimpleNamespace(rate_mhz=25000, channels=2, axes=("a", "b"), units="g", full_scale=4)
    assert link.facts(driver)["channels"] == ["a", "b"]
