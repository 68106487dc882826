"""Converters over the field Forwarded of RFC 7239 (HAProxy 2.8, 7.3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type, Value
from lbcore.stream.forwarded import node_of, port_of
from lbcore.stream.rfc7239 import PARAMETERS, is_valid, parse, parse_node


def _check_field(args: Sequence[Arg]) -> None:
    if text_at(args, 0) not in PARAMETERS:
        raise ArgumentError(f"expects one of {', '.join(map(repr, PARAMETERS))}, got '{text_at(args, 0)}'")


def _make_field(args: Sequence[Arg], build: Build) -> Convert:
    name = args[0]

    def field(text: str) -> str | None:
        found = parse(text)
        return None if found is None else found.get(name)

    return field


def node_name(text: str) -> Value | None:
    """The name of a node: an address, or an identifier as text."""
    node = parse_node(text)
    return None if node is None else node.name


def node_port(text: str) -> Value | None:
    """The port of a node: a number, or an identifier as text; None without one."""
    node = parse_node(text)
    return None if node is None else node.port


def _plain(name: str, gives: Type, function: Convert, doc: str, takes: Type = Type.STR) -> Converter:
    return Converter(name, "", takes, gives, lambda args, build: function, doc)


add_converters(
    Converter("rfc7239_field", "(string)", Type.STR, Type.STR, _make_field, "A parameter of Forwarded.", _check_field),
    _plain("rfc7239_is_valid", Type.BOOL, is_valid, "Whether a field Forwarded is valid."),
    _plain("rfc7239_n2nn", Type.ANY, node_name, "The name of a node of Forwarded."),
    _plain("rfc7239_n2np", Type.ANY, node_port, "The port of a node of Forwarded."),
    _plain("rfc7239_nn", Type.STR, node_of, "A name as a node of Forwarded has it.", Type.ANY),
    _plain("rfc7239_np", Type.STR, port_of, "A port as a node of Forwarded has it.", Type.ANY),
)
