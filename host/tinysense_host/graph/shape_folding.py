"""Arithmetic on shapes, folded to constants: what the values of small integer tensors are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.graph.shape_rules import Scope, UnknownShape, slice_ranges

__all__ = ["FOLDERS"]

Folder = Callable[[Scope, Node], np.ndarray]


def _slice(scope: Scope, node: Node) -> np.ndarray:
    source = scope.value(node, 0)
    bounds = [scope.integers(node, i) for i in (1, 2, 3)]
    ranges, shape = slice_ranges(source.shape, bounds, node.options)
    return source[np.ix_(*(list(r) for r in ranges))].reshape(shape) if ranges else source


def _values(scope: Scope, node: Node) -> list[np.ndarray]:
    return [scope.value(node, i) for i in range(len(node.inputs))]


def _concatenation(scope: Scope, node: Node) -> np.ndarray:
    parts = [np.atleast_1d(v) for v in _values(scope, node)]
    return np.concatenate(parts, axis=int(node.options.get("axis", 0)))


def _pack(scope: Scope, node: Node) -> np.ndarray:
    return np.stack(_values(scope, node), axis=int(node.options.get("axis", 0)))


def _gather(scope: Scope, node: Node) -> np.ndarray:
    if node.options.get("batch_dims"):
        raise UnknownShape
    values, picked = _values(scope, node)
    return np.take(values, picked, axis=int(node.options.get("axis", 0)))


def _product(scope: Scope, node: Node) -> np.ndarray:
    axes = tuple(scope.integers(node, 1))
    keep = bool(node.options.get("keep_dims"))
    return np.asarray(np.prod(scope.value(node, 0), axis=axes, keepdims=keep, dtype=np.int64))


def _arithmetic(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Folder:
    def fold(scope: Scope, node: Node) -> np.ndarray:
        if node.options.get("activation"):
            raise UnknownShape
        a, b = _values(scope, node)
        return np.asarray(function(a.astype(np.int64), b.astype(np.int64)))

    return fold


def _reshape(scope: Scope, node: Node) -> np.ndarray:
    return scope.value(node, 0).reshape(scope.integers(node, 1))


def _expand(scope: Scope, node: Node) -> np.ndarray:
    return np.expand_dims(scope.value(node, 0), scope.integers(node, 1)[0])


def _truncated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Division as in C: towards zero."""
    return np.asarray((np.abs(a) // np.abs(b)) * np.sign(a) * np.sign(b))


FOLDERS: dict[str, Folder] = {
    "ADD": _arithmetic(np.add),
    "CAST": lambda s, n: s.value(n, 0),
    "CONCATENATION": _concatenation,
    "DIV": _arithmetic(_truncated),
    "EXPAND_DIMS": _expand,
    "FLOOR_DIV": _arithmetic(np.floor_divide),
    "GATHER": _gather,
    "MAXIMUM": _arithmetic(np.maximum),
    "MINIMUM": _arithmetic(np.minimum),
    "MUL": _arithmetic(np.multiply),
    "PACK": _pack,
    "REDUCE_PROD": _product,
    "RESHAPE": _reshape,
    "SHAPE": lambda s, n: np.array(s.shape(n, 0), np.int32),
    "SQUEEZE": lambda s, n: np.squeeze(s.value(n, 0)),
    "STRIDED_SLICE": _slice,
    "SUB": _arithmetic(np.subtract),
}
