"""The JSON schema of what `show info json` and `show stat json` say (draft 4, as HAProxy's)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from lbcore.stats.typed import NATURES, OBJECTS, ORIGINS, SCOPES

_DRAFT: Final = "http://json-schema.org/draft-04/schema#"
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _schema() -> str:
    item = {"field": _ref("field"), "processNum": _COUNT, "tags": _ref("tags"), "value": _ref("typedValue")}
    kinds = {"type": "string", "enum": [name for _, name in OBJECTS]}
    info = {"title": "Info", "type": "array", "minItems": 1, "items": {"title": "InfoItem", **_object(item)}}
    figure = _object({"objType": kinds, "proxyId": _COUNT, "id": _COUNT, **item})
    row = {"title": "InfoObject", "type": "array", "minItems": 1, "items": {"title": "StatItem", **figure}}
    stat = {"title": "Stat", "type": "array", "items": row}
    named = {"origin": ORIGINS, "nature": NATURES, "scope": SCOPES}
    definitions = {
        "field": _object({"pos": _COUNT, "name": _TEXT}),
        "tags": _object({name: {"type": "string", "enum": sorted(words.values())} for name, words in named.items()}),
        "typedValue": {"oneOf": [_value("s32", -(1 << 31), (1 << 31) - 1), _value("u32", 0, (1 << 32) - 1),
                                 _value("u64", 0, (1 << 64) - 1), _text_value()]},
    }  # fmt: skip
    whole = {"$schema": _DRAFT, "oneOf": [info, stat], "definitions": definitions}
    return json.dumps(whole, separators=(",", ":"))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _value(kind: str, least: int, most: int) -> dict[str, object]:
    return _object({"type": {"type": "string", "enum": [kind]}, "value": {"type": "integer", "minimum": least, "maximum": most}})  # fmt: skip  # noqa: E501


def _text_value() -> dict[str, object]:
    return _object({"type": {"type": "string", "enum": ["str"]}, "value": _TEXT})


SCHEMA: Final = _schema()
