"""Fields that tell servers whom they serve: `option forwarded` (RFC 7239) and `option originalto` (manual 4.2).

`option forwardfor` is the shim's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lbcore.proxy.settings import ProxySettings
from lbcore.sample.build import Build
from lbcore.sample.types import Addr, Type
from lbcore.stream.ends import destination_of
from lbcore.stream.message import Request
from lbcore.stream.rfc7239 import is_valid
from lbcore.stream.txn import Txn

Value = Callable[[Txn], Any]

_OBFUSCATED = re.compile(r"_[A-Za-z0-9._-]+")
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
PORT_MAX = 65535


@dataclass(slots=True)
class Forwarded:
    """`option forwarded`. Each part is None where it is left out, True for what is found by itself, else a
    `lbcore.sample.expression.Expression`."""

    proto: bool = False
    host: Any = None
    by: Any = None
    by_port: Any = None
    for_: Any = None
    for_port: Any = None


def make_forwarded(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """The step that adds `forwarded` to a backend's requests, None without the option. Raises BuildError.

    The last field that is there gets one element more if all of them are valid, as in HAProxy; else a field follows.
    """
    wanted: Forwarded | None = settings.forwarded
    if wanted is None:
        return None
    parts: list[Callable[[Txn], str]] = []
    if wanted.proto:
        parts.append(lambda t: "proto=http")
    if wanted.host is not None:
        parts.append(_host(wanted.host, build))
    if wanted.by is not None:
        parts.append(_node("by", wanted.by, wanted.by_port, build, destination, lambda t: t.session.dport))
    if wanted.for_ is not None:
        node = _node("for", wanted.for_, wanted.for_port, build, lambda t: t.src, lambda t: t.session.sport)
        parts.append(node)

    def run(t: Txn) -> None:
        request = t.req
        assert request is not None, "a step of requests"
        value = ";".join([part(t) for part in parts])
        standing = request.values("forwarded")
        if standing and all(map(is_valid, standing)):
            _append(request, value)
        else:
            request.add("forwarded", value)

    return run


def _append(request: Request, value: str) -> None:
    """Makes a value the last element of the last field."""
    lines = request.lines()
    at = max(number for number, line in enumerate(lines) if line.startswith("forwarded: "))
    lines[at] += f",{value}"
    request.replace_lines(lines)


def _host(wanted: Any, build: Build) -> Callable[[Txn], str]:
    value = _field("host") if wanted is True else wanted.make(build, Type.STR)
    return lambda t: f'host="{valid_host(value(t) or "")}"'


def _field(name: str) -> Value:
    return lambda t: t.req.get(name) if t.req is not None else None


def _node(name: str, wanted: Any, port: Any, build: Build, address: Value, own_port: Value) -> Callable[[Txn], str]:
    """The function that writes `by` or `for`: a node, with a port if the option has one."""
    value = address if wanted is True else wanted.make(build)
    if port is None:
        return lambda t: f"{name}={_quoted(node_of(value(t)))}"
    port_value = own_port if port is True else port.make(build)

    def written(t: Txn) -> str:
        suffix = port_of(port_value(t))
        return f'{name}="{node_of(value(t))}:{suffix}"' if suffix else f'{name}="{node_of(value(t))}"'

    return written


def _quoted(node: str) -> str:
    return f'"{node}"' if node[0] == "[" else node


def destination(t: Txn) -> Addr | None:
    """The address that the client connected to; kept in the session once the kernel was asked for it."""
    session = t.session
    session.dst = destination_of(t, session.dst)
    return session.dst


def valid_host(text: str) -> str:
    """A host with or without a port, "" for what is none."""
    return text if _HOST.fullmatch(text) else ""


def node_of(value: Any) -> str:
    """A node as RFC 7239 6 writes it: an address, an obfuscated name, or `unknown`."""
    if isinstance(value, Addr):
        return str(value) if len(value) == 4 else f"[{value}]"
    text = str(value) if value is not None else ""
    if text == "unknown" or _OBFUSCATED.fullmatch(text):
        return text
    if _IPV4.fullmatch(text) and Addr.parse(text) is not None:
        return text
    return f"_{text}" if _PLAIN.fullmatch(text) else "unknown"


def port_of(value: Any) -> str:
    """A port, a number or obfuscated; "" for none."""
    text = str(int(value)) if isinstance(value, int) else str(value) if value is not None else ""
    if _OBFUSCATED.fullmatch(text):
        return text
    if text.isdecimal() and text.isascii() and 0 < int(text) <= PORT_MAX:
        return text
    return f"_{text}" if _PLAIN.fullmatch(text) else ""


def make_originalto(frontend: ProxySettings, backend: ProxySettings) -> Callable[[Txn], None] | None:
    """The step that adds the address that a client connected to; the option of either side asks for it, the backend's
    says how. None if neither has it."""
    options = [found for found in (backend.originalto, frontend.originalto) if found is not None]
    if not options:
        return None
    name = options[0].header
    spared = [ipaddress.ip_network(option.except_net) for option in options if option.except_net is not None]

    def run(t: Txn) -> None:
        request, address = t.req, destination(t)
        assert request is not None, "a step of requests"
        if address is None:
            return
        if spared and any(ipaddress.ip_address(bytes(address)) in network for network in spared):
            return
        request.add(name, str(address))

    return run
