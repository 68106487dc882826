"""Rows as HAProxy's CSV: a comma after every value, the last too, and quotes only where they are needed."""

from __future__ import annotations

from lbcore.stats.fields import FIELDS, Value

HEADER = "# " + "".join(field.name + "," for field in FIELDS) + "\n"


def line(row: list[Value]) -> str:
    """One row with its line end."""
    return "".join([cell(value) + "," for value in row]) + "\n"


def cell(value: Value) -> str:
    """One value: "" for None; text with a comma, a quote or a line end stands in quotes, inner quotes doubled."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if any(char in value for char in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
