"""Offsets for units, one after another, in the smallest arena that the search finds.

A state is where everything alive lies between two units. From each, every unit
that starts there is tried with every place for its result that an edge of a
forbidden interval suggests. Arena sizes are tried by bisection.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinysense_host.errors import TinysenseError
from tinysense_host.planning.lifetimes import Lifetimes
from tinysense_host.planning.units import Unit, whole_range

__all__ = ["ALIGNMENT", "Placed", "Placement", "least_bytes", "lower_bound", "place",
           "through"]  # fmt: skip

ALIGNMENT = 4
_STATES = 48        # kept between two units
_PLACES = 8         # tried for a result
_CHANCES = 8        # orders of a unit's parts by chance, beside those with a reason
_NEVER = 1 << 60

_State = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Placed:
    """A unit, where its parts lie, and where everything alive while it runs lies."""

    unit: Unit
    bases: Mapping[int, int]


@dataclass(frozen=True)
class Placement:
    """Units in order, and the bytes that all of them need; ``bound``: no fewer with these units."""

    placed: tuple[Placed, ...]
    start: Mapping[int, int]
    arena: int
    bound: int


def _up(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT


def through(life: Lifetimes, unit: Unit) -> int:
    """Bytes alive during the unit that it does not free."""
    feeds = life.inputs if unit.pushed else ()
    return sum(life.size[s] for s in life.alive_before(unit.first)
               if life.last[s] > unit.last and s not in feeds)  # fmt: skip


def least_bytes(life: Lifetimes, pushed: bool = False) -> int:
    """Bytes of all inputs together, or of all outputs: both must lie somewhere at once."""
    given = [s for s in (*life.inputs, *life.state) if s not in life.inputs or not pushed]
    return max(sum(_up(life.size[s]) for s in side)
               for side in (given, dict.fromkeys((*life.outputs, *life.state))))  # fmt: skip


def lower_bound(life: Lifetimes, units: Mapping[int, Sequence[Unit]]) -> int:
    """No arrangement of these units needs fewer bytes."""
    count = len(life.steps)
    best = [_NEVER] * count + [0]
    pushed = any(u.pushed for u in units.get(life.n_init, ()))
    for k in range(count - 1, -1, -1):
        for unit in units[k]:
            need = unit.peak + through(life, unit)
            best[k] = min(best[k], max(need, best[unit.last + 1]))
    return _up(max(best[0], least_bytes(life, pushed)))


def place(life: Lifetimes, units: Mapping[int, Sequence[Unit]], most: int = _NEVER) -> Placement:
    """The smallest arrangement found; raises where none needs ``most`` bytes or fewer."""
    bound = lower_bound(life, units)
    needs = {u: u.peak + through(life, u) for row in units.values() for u in row}
    search = _Search(life, units, needs)
    step = max(64, bound // 64 // ALIGNMENT * ALIGNMENT)
    low, high, found = bound - ALIGNMENT, bound, search.within(bound) if bound <= most else None
    while found is None:
        if high >= most:
            raise TinysenseError("no memory plan was found", "Make the model smaller")
        low, high = high, min(high + step, most)
        step *= 2
        found = search.within(high)
    tolerance = max(ALIGNMENT, bound // 512)
    while high - low > tolerance:
        middle = (low + high) // 2 // ALIGNMENT * ALIGNMENT
        if middle <= low:
            break
        closer = search.within(middle)
        if closer is None:
            low = middle
        else:
            high, found = middle, closer
    placed, start = found
    return Placement(tuple(placed), start, _reached(life, placed, start), bound)


def _reached(life: Lifetimes, placed: Sequence[Placed], start: Mapping[int, int]) -> int:
    ends = [base + life.size[s] for s, base in start.items()]
    for p in placed:
        for part, base in p.bases.items():
            ends.append(base + p.unit.parts.get(part, life.size.get(part, 0)))
    return _up(max(ends, default=0))


class _Search:
    def __init__(
        self, life: Lifetimes, units: Mapping[int, Sequence[Unit]], needs: Mapping[Unit, int]
    ) -> None:
        self.life, self.units, self.needs = life, units, needs
        self.pushed = any(u.pushed for u in units.get(life.n_init, ()))

    def within(self, arena: int) -> tuple[list[Placed], dict[int, int]] | None:
        """Units and places of an arrangement in ``arena`` bytes."""
        count = len(self.life.steps)
        layers: list[dict[_State, tuple[int, _State | None, Placed | None]]]
        layers = [{} for _ in range(count + 1)]
        layers[0] = {state: (0, None, None) for state in self._starts(arena)}
        for k in range(count):
            kept = sorted(layers[k].items(), key=lambda item: item[1][0])
            for state, (cost, _, _) in _spread(kept, _STATES):
                for unit in self.units[k]:
                    if self.needs[unit] <= arena:
                        self._extend(layers, state, cost + unit.calls - 1, unit, arena)
        return _trace(layers) if layers[count] else None

    def _extend(
        self, layers: list[dict[_State, tuple[int, _State | None, Placed | None]]],
        state: _State, cost: int, unit: Unit, arena: int,
    ) -> None:  # fmt: skip
        life = self.life
        for bases in self._made(dict(state), unit, arena):
            after = tuple(sorted((s, b) for s, b in bases.items() if life.last[s] > unit.last))
            known = layers[unit.last + 1].get(after)
            if known is not None and known[0] <= cost:
                continue
            whole = self._parts(bases, unit, arena)
            if whole is not None:
                layers[unit.last + 1][after] = (cost, state, Placed(unit, whole))

    def _starts(self, arena: int) -> Iterator[_State]:
        """Places for inputs and state: state at either end, inputs at a few."""
        life = self.life
        given = [] if self.pushed else list(life.inputs)
        for from_top in (False, True) if life.state else (False,):
            bases: dict[int, int] = {}
            edge = arena if from_top else 0
            for s in life.state:
                edge = (edge - life.size[s]) // ALIGNMENT * ALIGNMENT if from_top else edge
                bases[s] = edge
                edge = edge if from_top else _up(edge + life.size[s])
            yield from self._inputs(bases, given, arena)

    def _inputs(self, bases: dict[int, int], given: Sequence[int], arena: int) -> Iterator[_State]:
        if not given:
            if all(b >= 0 and b + self.life.size[s] <= arena for s, b in bases.items()):
                yield tuple(sorted(bases.items()))
            return
        s, room = given[0], arena - self.life.size[given[0]]
        sizes: dict[int, int] = {t: self.life.size[t] for t in bases}
        edges = _spots(s, self.life.size[s], dict(bases), sizes, {}, arena)
        quarters = [room * n // 4 // ALIGNMENT * ALIGNMENT for n in (1, 2, 3)]
        for base in dict.fromkeys((*edges, *quarters)):
            if base in edges or (len(given) == 1 and not bases and base >= 0):
                yield from self._inputs({**bases, s: base}, given[1:], arena)

    def _made(self, bases: dict[int, int], unit: Unit, arena: int) -> Iterator[dict[int, int]]:
        """Places for what outlives the unit."""
        choices: list[dict[int, int]] = [bases]
        for s in unit.made:
            nxt = []
            for chosen in choices:
                sizes: dict[int, int] = {t: self.life.size[t] for t in chosen}
                spots = _spots(s, self.life.size[s], dict(chosen), sizes, unit.gaps, arena)
                nxt += [{**chosen, s: base} for base in spots[:_PLACES]]
            choices = nxt
        yield from choices

    def _parts(self, bases: Mapping[int, int], unit: Unit, arena: int) -> dict[int, int] | None:
        """All bases with those of the unit's parts, tried in several orders."""
        if not unit.parts:
            return dict(bases)
        sizes: dict[int, int] = {s: self.life.size[s] for s in bases}
        for order, take in _orders(unit.parts):
            found: dict[int, int] = dict(bases)
            known = dict(sizes)
            for part in order:
                spots = _spots(part, unit.parts[part], found, known, unit.gaps, arena)
                if not spots:
                    break
                found[part] = spots[take]
                known[part] = unit.parts[part]
            else:
                return found
        return None


def _orders(parts: Mapping[int, int]) -> Iterator[tuple[list[int], int]]:
    """Orders to place parts in, each from below and from above."""
    names = list(parts)
    large_first = sorted(names, key=lambda p: -parts[p])
    seen = set()
    for order in (large_first, names, names[::-1], large_first[1:] + large_first[:1]):
        if tuple(order) not in seen:
            seen.add(tuple(order))
            yield from ((order, take) for take in (0, -1))
    chance = random.Random(0)       # the same in every run
    for _ in range(_CHANCES if len(names) > 2 else 0):
        yield chance.sample(names, len(names)), chance.choice((0, -1))


def _spots(
    part: int, size: int, bases: Mapping[int, int], sizes: Mapping[int, int],
    gaps: Mapping[tuple[int, int], Sequence[tuple[int, int]]], arena: int,
) -> list[int]:  # fmt: skip
    """Places for a part among those placed: ascending, at edges of what is forbidden."""
    room = arena - size
    if room < 0:
        return []
    blocked: list[tuple[int, int]] = []
    for other, base in bases.items():
        found = gaps.get((other, part))
        if found is None:
            mirrored = gaps.get((part, other))
            if mirrored is None:
                found = whole_range(sizes[other], size)
            else:
                found = [(-high, -low) for low, high in mirrored]
        blocked += [(base + low, base + high) for low, high in found]
    edges = {0, room // ALIGNMENT * ALIGNMENT}
    for low, high in blocked:
        edges.add(low // ALIGNMENT * ALIGNMENT)
        edges.add(_up(high))
    blocked.sort()
    free, after, reach = [], 0, -_NEVER     # reach: the end of all that begins below ``at``
    for at in sorted(edges):
        while after < len(blocked) and blocked[after][0] < at:
            reach = max(reach, blocked[after][1])
            after += 1
        if reach <= at and 0 <= at <= room:
            free.append(at)
    return free


def _spread(items: Sequence[tuple[_State, tuple[int, _State | None, Placed | None]]], count: int) \
        -> Sequence[tuple[_State, tuple[int, _State | None, Placed | None]]]:  # fmt: skip
    """At most ``count`` of them, evenly."""
    if len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


def _trace(
    layers: Sequence[Mapping[_State, tuple[int, _State | None, Placed | None]]],
) -> tuple[list[Placed], dict[int, int]]:
    state = min(layers[-1], key=lambda s: (layers[-1][s][0], s))
    at, placed = len(layers) - 1, []
    while at > 0:
        _, before, done = layers[at][state]
        assert before is not None and done is not None
        placed.append(done)
        state, at = before, done.unit.first
    return placed[::-1], dict(state)
