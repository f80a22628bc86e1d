"""An upload under faults: afterwards the board boots, its model is the old or the new one, whole,
a second upload succeeds, and nothing takes longer than is stated (tests/link_faults.py)."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import link_faults
import pytest
import tiny
from link_faults import PHASES, FaultBench, Outcome, Uploading, offsets
from link_relay import AFTER, CUTS, FAULTS, SWITCH, TO_BOARD, TO_HOST, Place
from virtual_bench import PRODUCTS, ROOT

from tinysense_host.errors import TinysenseError

OFFSETS = 200
FEWER_OFFSETS = 40  # of a plain file
MOMENTS = 60
SEED = 20
SAMPLE: dict[str, int | Place] = {      # a number: a random byte, by that seed
    "drop": Place(TO_BOARD, "DATA middle"),
    "flip": Place(TO_HOST, "DATA last"),
    "duplicate": Place(TO_BOARD, "CLOSE"),
    "short delay": 1,
    "long delay": Place(TO_HOST, "OPEN"),
    "disconnect": Place(TO_HOST, "CLOSE"),
    "reset": 2,
    "power": Place(TO_BOARD, SWITCH, later=0.1),
    "kill": 3,
}


def models(board: str, folder: Path) -> Uploading:
    """Three small models of one name, in blocks that can't be deflated to one."""
    chance = random.Random(SEED)
    notes = [base64.b85encode(chance.randbytes(2600)).decode() for _ in range(3)]
    one, two, three = (link_faults.packed(board, tiny.build(tiny.meta(source=note)), folder)
                       for note in notes)
    return link_faults.upload_model((one, two, three))


def plain_files() -> Uploading:
    """Bytes that can't be deflated, bytes that can, and some of both."""
    chance = random.Random(SEED)
    return link_faults.put_file((chance.randbytes(6000), b"abcdefgh" * 4000,
                                 b"abcdefgh" * 400 + chance.randbytes(4000)))


@contextmanager
def started(board: str, slots: bool, folder: Path) -> Iterator[FaultBench]:
    if not (ROOT / "build" / "firmware" / PRODUCTS[board]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={board}")
    uploading = models(board, folder) if slots else plain_files()
    with link_faults.bench(board, folder, uploading) as bench:
        yield bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultBench]:
    with started("QEMU_M4F", True, tmp_path_factory.mktemp("faults")) as bench:
        yield bench


def test_every_phase_passes(bench: FaultBench) -> None:
    bench.measure()
    wanted = {(place.direction, str(place.at)) for place in PHASES}
    assert not wanted - bench.relay.phases.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sample(fault: str, bench: FaultBench) -> None:
    place = SAMPLE[fault]
    if not isinstance(place, Place):
        place = offsets(bench.measure(), 1, place)[0]
    outcome = bench.combination(fault, place, restart=len(fault) % 2 == 0)
    print(outcome)
    assert outcome.struck or place.later


def matrix(bench: FaultBench, fault: str, places: list[Place]) -> None:
    """Tries them all, and tells what came of it; fails with those that were wrong."""
    outcomes: list[Outcome] = []
    wrong: list[str] = []
    for i, place in enumerate(places):
        try:
            outcomes.append(bench.combination(fault, place, restart=i % 2 == 0))
            print(outcomes[-1])
        except (AssertionError, TinysenseError, KeyError, ValueError) as e:
            wrong.append(f"{fault} {place}: {type(e).__name__} {e}")
            bench.mend()
    print(link_faults.summary(outcomes))
    assert not wrong, "\n".join(wrong)
    # Some time after a phase, an upload may be over.
    if all(isinstance(place.at, str) and not place.later for place in places):
        assert all(o.struck for o in outcomes), "a phase that was not met"


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_every_phase_and_random_offsets(fault: str, tmp_path: Path) -> None:
    with started("QEMU_M4F", True, tmp_path) as bench:
        matrix(bench, fault, PHASES)
        matrix(bench, fault, offsets(bench.measure(), OFFSETS, SEED))


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_random_offsets_on_this_computer(fault: str, tmp_path: Path) -> None:
    with started("UNIX", True, tmp_path) as bench:
        matrix(bench, fault, offsets(bench.measure(), OFFSETS, SEED))


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_plain_file(fault: str, tmp_path: Path) -> None:
    with started("UNIX", False, tmp_path) as bench:
        bench.measure()
        matrix(bench, fault, [p for p in PHASES if (p.direction, p.at) in bench.relay.phases])
        matrix(bench, fault, offsets(bench.measure(), FEWER_OFFSETS, SEED))


@pytest.mark.full
@pytest.mark.parametrize("fault", CUTS)
def test_moments_of_the_switch(fault: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    places = [Place(TO_BOARD, at, chance.uniform(0.001, 0.2))
              for at in ("CLOSE", SWITCH, AFTER) for _ in range(MOMENTS // 3)]
    with started("QEMU_M4F", True, tmp_path) as bench:
        matrix(bench, fault, places)
