"""The JSON Schema of a device's config, made of the rows that the device itself checks.

Two halves: what stands in a config (types, ranges, what must be given), and,
where its version is not a later one, that nothing else does.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from typing import Any

__all__ = ["plugins", "schema"]

Json = dict[str, Any]
Rows = tuple[tuple[Any, ...], ...]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What tinysense.config.path_fault() refuses; (?!...) is the end, which $ is not everywhere.
_PATH: Json = {"minLength": 1, "not": {"anyOf": [
    {"pattern": "\\u0000"}, {"pattern": "(^|/)\\.\\.(/|(?![\\s\\S]))"}]}}  # fmt: skip


def plugins(folder: str) -> dict[str, Rows]:
    """OPTIONS of every driver or output that comes with the package, by name."""
    import tinysense
    from tinysense import config

    found = {}
    for module in pkgutil.iter_modules([f"{tinysense.__path__[0]}/{folder}"]):
        try:
            found[module.name] = config.plugin(folder, module.name).OPTIONS
        except ValueError:      # what drivers or outputs are made of
            continue
    return found


def schema() -> Json:
    """The schema, draft 2020-12, for editors and other programs; self-contained."""
    import tinysense
    from tinysense import config

    drivers, outputs = plugins("drivers"), plugins("outputs")
    rows: Rows = config.ROWS
    loose = _object(rows)
    loose["properties"]["driver"]["enum"] = sorted(drivers)
    loose["properties"]["outputs"]["items"] = _output(outputs)
    strict = _names(rows)
    strict["properties"]["outputs"] = {"items": _output_names(outputs)}
    default = config.defaults()["driver"]
    for part, of_driver in ((loose, _options), (strict, _option_names)):
        part["allOf"] = [_of_driver(name, name == default, of_driver(name, rows))
                         for name, rows in drivers.items()]
    later: Json = {"required": ["version"], "properties": {
        "version": {"type": "integer", "minimum": config.VERSION + 1}}}
    definitions = {f"drivers.{name}": _object(rows) for name, rows in drivers.items()}
    definitions |= {f"outputs.{name}": _object(rows) for name, rows in outputs.items()}
    for name in _modules([rows, *drivers.values(), *outputs.values()]):
        definitions.setdefault(name, _object(config.rows_of(name)))
    return {"$schema": DIALECT, "title": f"{config.PATH} of tinysense {tinysense.__version__}",
            **loose, "if": later, "else": strict, "$defs": dict(sorted(definitions.items()))}


def _modules(tables: Iterable[Rows]) -> set[str]:
    """Modules that rows of objects name, and those that their rows name."""
    from tinysense import config

    found = {row[3] for rows in tables for row in rows
             if row[1] is dict and isinstance(row[3], str)}
    return found | _modules([config.rows_of(name) for name in found]) if found else found


def _reference(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _required(rows: Rows) -> list[str]:
    return [row[0] for row in rows if row[2] is None]


def _object(rows: Rows) -> Json:
    """What a table of rows says; further keys are left to _names()."""
    made: Json = {"type": "object", "properties": {row[0]: _value(row) for row in rows}}
    if _required(rows):
        made["required"] = _required(rows)
    return made


def _value(row: tuple[Any, ...]) -> Json:
    from tinysense import config

    _, kind, default, limits, doc = row
    made: Json = {"description": doc} if doc else {}
    if default is not None:
        made["default"] = default
    if limits == "file" and kind is str:
        path = {"type": "string", **_PATH}
        return made | ({"anyOf": [{"const": ""}, path]} if default == "" else path)
    if kind is str:
        return made | {"type": "string"} | ({"enum": list(limits)} if limits else {})
    if kind is dict and isinstance(limits, str):
        rest = _reference(limits)
        none = {"type": "object", "maxProperties": 0}
        return made | ({"anyOf": [none, rest]} if _required(config.rows_of(limits)) else rest)
    number = {"minimum": limits[0], "maximum": limits[1]} if limits else {}
    if kind is dict:
        inside = {"additionalProperties": {"type": "integer", **number}} if limits else {}
        return made | {"type": "object", **inside}
    plain = {bool: "boolean", list: "array", int: "integer"}.get(kind, ["integer", "string"])
    return made | {"type": plain, **number}


def _names(rows: Rows, more: tuple[str, ...] = ()) -> Json:
    """That no keys stand there but those of the rows."""
    from tinysense import config

    inside = {row[0]: _names(config.rows_of(row[3])) for row in rows
              if row[1] is dict and isinstance(row[3], str)}
    return {"propertyNames": {"enum": [*more, *(row[0] for row in rows)]}, "properties": inside}


def _of_driver(name: str, default: bool, then: Json) -> Json:
    chosen: Json = {"properties": {"driver": {"const": name}}}
    return {"if": chosen if default else chosen | {"required": ["driver"]}, "then": then}


def _options(name: str, rows: Rows) -> Json:
    made: Json = {"properties": {"driver_options": _reference(f"drivers.{name}")}}
    return made | ({"required": ["driver_options"]} if _required(rows) else {})


def _option_names(_: str, rows: Rows) -> Json:
    return {"properties": {"driver_options": _names(rows)}}


def _output(outputs: dict[str, Rows]) -> Json:
    """An output: the name of one that needs no options, or an object with its kind."""
    short = sorted(name for name, rows in outputs.items() if not _required(rows))
    kinds = [_of_kind(name, _reference(f"outputs.{name}")) for name in sorted(outputs)]
    return {"if": {"type": "string"}, "then": {"enum": short},
            "else": {"type": "object", "required": ["kind"],
                     "properties": {"kind": {"enum": sorted(outputs)}}, "allOf": kinds}}


def _output_names(outputs: dict[str, Rows]) -> Json:
    return {"allOf": [_of_kind(name, _names(rows, ("kind",)))
                      for name, rows in sorted(outputs.items())]}


def _of_kind(name: str, then: Json) -> Json:
    return {"if": {"required": ["kind"], "properties": {"kind": {"const": name}}}, "then": then}
