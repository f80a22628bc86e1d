"""The JSON Schema says of a config what the device says of it."""

import json
import random

import pytest

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema: pip install -e host[dev]")

from tinysense import config  # noqa: E402
from tinysense_host.schema import plugins, schema  # noqa: E402

ODD = (None, True, False, 0, -1, 3, 1.0, 2.5, 1e30, 10**12, "", "x", "LED", "a/b.tsm", "..",
       "a/../b", "a..b", "../x", "..\n", "a\0b", [], [1], ["serial"], {}, {"a": 1}, {"a": "b"},
       {"kind": "led"})


@pytest.fixture(scope="module")
def judge():
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(json.loads(json.dumps(made)))


def device_takes(given):
    try:
        config.check_options(given)
    except ValueError:
        return False
    return True


class Maker:
    """Configs at random: mostly good values, and odd ones as often as is asked for."""

    def __init__(self, seed, odd):
        self.random, self.odd = random.Random(seed), odd

    def strange(self):
        return self.random.random() < self.odd

    def number(self, limits):
        low, high = limits or (-5, 5)
        edges = [low, high, self.random.randint(low, high), float(high)]
        return self.random.choice([*edges, low - 1, high + 1] if self.strange() else edges)

    def value(self, row):  # noqa: PLR0911 (one line a kind)
        _, kind, default, limits, _ = row
        choose = self.random.choice
        if self.strange():
            return choose(ODD)
        if default is not None and self.random.random() < 0.2:
            return default
        if kind is str and limits == "file":
            return choose(["m.tsm", "/sd/x", "..m"])
        if kind is str:
            return choose(limits or ["", "a", "y -x z"])
        if kind is dict and isinstance(limits, str):
            return self.table(config.rows_of(limits))
        if kind is dict:
            return {label: self.number(limits) for label in self.random.sample("abc", 2)}
        if kind is list:
            return choose([[], ["a", "b"], [1]])
        if isinstance(kind, tuple) and self.random.random() < 0.3:
            return "PB8"
        return choose([True, False]) if kind is bool else self.number(limits)

    def table(self, rows):
        made = {row[0]: self.value(row) for row in rows
                if self.random.random() < (1 - self.odd if row[2] is None else 0.15)}
        if self.strange():
            made[self.random.choice(["zoom", "kind", "pn", rows[0][0].upper() if rows else "x"])] = 1
        return made

    def output(self, outputs):
        name = self.random.choice([*outputs, "lamp"] if self.strange() else list(outputs))
        if self.strange():
            return self.random.choice([name, *ODD])
        return {"kind": name, **self.table(outputs.get(name, ()))}

    def config(self, drivers, outputs):
        made = self.table(config.ROWS)
        for key in ("version", "driver", "driver_options", "outputs"):
            if not self.strange():
                made.pop(key, None)
        if self.random.random() < 0.3:
            made["version"] = self.value(("version", int, 1, (1, 3), ""))
        name = self.random.choice([*drivers, "mpu605"] if self.strange() else list(drivers))
        if self.random.random() < 0.9:
            made["driver"] = name
        rows = drivers.get(made.get("driver", "mpu6050"), ())
        if not self.strange():
            made["driver_options"] = self.table(rows)
        if self.random.random() < 0.6:
            made["outputs"] = [self.output(outputs) for _ in range(self.random.randint(0, 2))]
        return json.loads(json.dumps(made))


def agree(judge, seeds, odd):
    """How many configs were good on both sides, and how many on none."""
    drivers, outputs = plugins("drivers"), plugins("outputs")
    good = bad = 0
    for seed in seeds:
        given = Maker(seed, odd).config(drivers, outputs)
        takes = device_takes(given)
        fault = next(judge.iter_errors(given), None)
        assert takes == (fault is None), f"seed {seed}: {json.dumps(given)}: {fault}"
        good, bad = good + takes, bad + (not takes)
    return good, bad


def test_schema_and_device_agree(judge):
    assert agree(judge, range(150), 0.0)[0] == 150
    good, bad = agree(judge, range(1000, 1400), 0.06)
    assert good > 100 and bad > 100
    assert agree(judge, range(2000, 2100), 0.2)[1] > 80


@pytest.mark.full
def test_schema_and_device_agree_on_many_more(judge):
    agree(judge, range(100_000, 125_000), 0.02)
    agree(judge, range(200_000, 215_000), 0.1)


@pytest.mark.parametrize("given", [[], None, 3, "x", [{}], {"outputs": {}}, {"outputs": [[]]},
                                   {"driver": 3}, {"driver": None}, {"threshold": {"a": True}}])
def test_what_is_no_config_at_all(judge, given):
    assert not device_takes(given) and not judge.is_valid(given)


@pytest.mark.parametrize(("given", "good"), [
    ({"zoom": 1}, False), ({"zoom": 1, "version": 1}, False), ({"zoom": 1, "version": 2}, True),
    ({"zoom": 1, "version": 2.0}, True), ({"zoom": 1, "version": True}, False),
    ({"version": 2, "driver_options": {"tilt": 1}}, True),
    ({"version": 2, "driver_options": {"scl": 999}}, False),
    ({"version": 2, "recorder": {"display": {"hue": 1}}}, True),
    ({"recorder": {"display": {"hue": 1}}}, False),
    ({"version": 2, "outputs": [{"kind": "led", "pin": 3, "hue": 1}]}, True),
    ({"outputs": [{"kind": "led", "pin": 3, "hue": 1}]}, False),
    ({"version": 2, "outputs": [{"kind": "led", "hue": 1}]}, False)])
def test_keys_of_later_versions(judge, given, good):
    assert device_takes(given) is good and judge.is_valid(given) is good


def test_every_row_is_in_it():
    made = schema()
    assert set(made["properties"]) == {row[0] for row in config.ROWS}
    for folder in ("drivers", "outputs"):
        for name, rows in plugins(folder).items():
            found = made["$defs"][f"{folder}.{name}"]["properties"]
            assert list(found) == [row[0] for row in rows]
            assert all(found[row[0]].get("default") == row[2] for row in rows)
