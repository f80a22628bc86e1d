"""What the replay driver played was recorded with channels 0 1 2, which no recipe takes."""

from types import SimpleNamespace

import pytest

from tinysense import link
from tinysense_host.importers import _names


@pytest.mark.parametrize("channels", [1, 3, 4, 6])
def test_named_as_an_imported_recording_is(channels):
    driver = SimpleNamespace(rate_mhz=25000, channels=channels, units="g", full_scale=4)
    assert tuple(link.facts(driver)["channels"]) == _names(channels)


def test_a_drivers_own_names_win():
    driver = SimpleNamespace(rate_mhz=25000, channels=2, axes=("a", "b"), units="g", full_scale=4)
    assert link.facts(driver)["channels"] == ["a", "b"]
