"""Rows with what each value is: `show stat typed`, `show stat json`, and the page's `;typed` and `;json`.

A value has an origin, a nature, a scope and a type (management manual 9.2): `M` `G` `P` `u32` is a gauge of this
process that was measured. The tags follow from the kind of a column; those that do not are in `_TAGS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from lbcore.stats.fields import FIELDS, Kind, Value

JSON_TYPE = "application/json"
_AT = {field.name: place for place, field in enumerate(FIELDS)}
_TYPE, _IID, _SID = _AT["type"], _AT["iid"], _AT["sid"]
_LETTERS = {0: "F", 1: "B", 2: "S", 3: "L"}  # by the column "type"
_OBJECTS = {0: "Frontend", 1: "Backend", 2: "Server", 3: "Listener"}
_ORIGINS = {"M": "Metric", "S": "Status", "K": "Key", "C": "Config"}
_NATURES = {
    "A": "Age",
    "a": "Avg",
    "C": "Counter",
    "D": "Duration",
    "G": "Gauge",
    "L": "Limit",
    "M": "Max",
    "N": "Name",
    "O": "Output",
    "R": "Rate",
}
_SCOPES = {"P": "Process", "S": "Service"}
_BY_KIND = {
    Kind.KEY: "CGS:str",
    Kind.STATUS: "MOP:str",
    Kind.LIMIT: "CLP:u32",
    Kind.GAUGE: "MGP:u32",
    Kind.MAX: "MMP:u32",
    Kind.COUNTER: "MCP:u64",
    Kind.RATE: "MRP:u32",
    Kind.AGE: "MAP:u32",
    Kind.MEAN: "MaP:u32",
}
_TAGS = {
    "agent_code": "MOP:u32",
    "agent_duration": "MDP:u64",
    "agent_fall": "CGS:u32",
    "agent_health": "CGS:u32",
    "agent_rise": "CGS:u32",
    "check_code": "MOP:u32",
    "check_duration": "MDP:u64",
    "check_fall": "CGS:u32",
    "check_health": "CGS:u32",
    "check_rise": "CGS:u32",
    "cookie": "CNS:str",
    "downtime": "MCP:u32",
    "iid": "KGS:u32",
    "lastsess": "MAP:s32",
    "pid": "KGP:u32",
    "proto": "SGP:str",
    "pxname": "KNS:str",
    "qlimit": "CGS:u32",
    "sid": "KGS:u32",
    "srid": "MCP:u32",
    "status": "SGP:str",
    "svname": "KNS:str",
    "throttle": "MaP:u32",
    "tracked": "CNS:str",
    "type": "CGS:u32",
    "uweight": "MaP:u32",
    "weight": "MaP:u32",
}
# Columns that are something else for some objects.
_OF_SOME = {
    ("B", "rate"): "MGP:u32",
    ("B", "rate_max"): "MGP:u32",
    ("S", "act"): "SGP:u32",
    ("S", "bck"): "SGP:u32",
}


class _Cell(NamedTuple):
    """What is the same in all rows of a type: position, name and tags of a column."""

    position: int
    name: str
    tags: str  # `MGP:u32`
    json: str  # the same, and what stands around it


@cache
def _cells(kind: int) -> tuple[_Cell, ...]:
    letter = _LETTERS[kind]
    return tuple(_cell(letter, place, field.name, _BY_KIND[field.kind]) for place, field in enumerate(FIELDS))


def _cell(letter: str, position: int, name: str, usual: str) -> _Cell:
    tags = _OF_SOME.get((letter, name)) or _TAGS.get(name, usual)
    named = {"origin": _ORIGINS[tags[0]], "nature": _NATURES[tags[1]], "scope": _SCOPES[tags[2]]}
    text = f'"field":{_json({"pos": position, "name": name})},"processNum":1,"tags":{_json(named)}'
    return _Cell(position, name, tags, f'{text},"value":{{"type":"{tags[4:]}","value":')


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def typed(rows: Iterable[list[Value]]) -> Iterator[str]:
    """The rows, a line for each value that there is: `S.<iid>.<sid>.<position>.<name>.1:<tags>:<type>:<value>`."""
    for row in rows:
        start = f"{_LETTERS[_kind(row)]}.{row[_IID]}.{row[_SID]}."
        yield (
            "".join(
                f"{start}{cell.position}.{cell.name}.1:{cell.tags}:{value}\n"
                for cell, value in zip(_cells(_kind(row)), row, strict=True)
                if value is not None
            )
            + "\n"
        )


def as_json(rows: Iterable[list[Value]]) -> Iterator[str]:
    """The rows as one JSON array of arrays of values, in pieces."""
    between = "["
    for row in rows:
        start = f'{{"objType":"{_OBJECTS[_kind(row)]}","proxyId":{row[_IID]},"id":{row[_SID]},'
        values = (
            f"{start}{cell.json}{_json(value)}}}}}"
            for cell, value in zip(_cells(_kind(row)), row, strict=True)
            if value is not None
        )
        yield f"{between}[{','.join(values)}]"
        between = ","
    yield "]" if between == "," else "[]"


def _schema() -> str:
    """What `as_json` gives, as a JSON schema."""
    text, count = {"type": "string"}, {"type": "integer"}
    tags = {"origin": _ORIGINS, "nature": _NATURES, "scope": _SCOPES}
    listed = {name: {"type": "string", "enum": sorted(words.values())} for name, words in tags.items()}
    value = {"type": {"type": "string", "enum": ["s32", "str", "u32", "u64"]}, "value": {"type": ["integer", "string"]}}
    figure = {
        "objType": {"type": "string", "enum": list(_OBJECTS.values())},
        "proxyId": count,
        "id": count,
        "field": _object({"pos": count, "name": text}),
        "processNum": count,
        "tags": _object(listed),
        "value": _object(value),
    }
    row = {"title": "Object", "type": "array", "items": {"title": "Figure", **_object(figure)}}
    draft = "http://json-schema.org/draft-04/schema#"
    return _json({"$schema": draft, "title": "Stat", "type": "array", "items": row})


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _kind(row: list[Value]) -> int:
    kind = row[_TYPE]
    assert isinstance(kind, int), "every row has a type"
    return kind


SCHEMA = _schema()
