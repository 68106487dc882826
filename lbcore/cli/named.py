"""The objects that commands name: `be/s1`, `fe`, or by their numbers: `#3/#1` (management guide 9.3)."""

from __future__ import annotations

from lbcore.cli.registry import Call, Refusal
from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend
from lbcore.proxy.server import Server


def server_of(call: Call) -> Server:
    """The server that the first argument names. Raises Refusal."""
    backend, name = place_of(call)
    number = _number(name)
    if number is None:
        server = backend.by_name.get(name)
    else:
        server = next((one for one in backend.servers if one.sid == number), None)
    if server is None:
        raise Refusal("No such server.")
    return server


def place_of(call: Call) -> tuple[Backend, str]:
    """The backend and the name of the server in `<backend>/<server>`, the first argument. Raises Refusal."""
    name, _, server = call.arg(0).partition("/")
    if not server:
        raise Refusal("Require 'backend/server'.")
    backend = call.process.backends().get(_name(call, name))
    if backend is None:
        raise Refusal("No such backend.")
    return backend, server


def backend_of(call: Call) -> Backend:
    """The backend that the first argument names. Raises Refusal."""
    if not call.arg(0):
        raise Refusal("A backend name is expected.")
    backend = call.process.backends().get(_name(call, call.arg(0)))
    if backend is None:
        raise Refusal("No such backend.")
    return backend


def frontend_of(call: Call) -> Frontend:
    """The frontend that the first argument names. Raises Refusal."""
    if not call.arg(0):
        raise Refusal("A frontend name is expected.")
    frontend = call.process.frontends().get(_name(call, call.arg(0)))
    if frontend is None:
        raise Refusal("No such frontend.")
    return frontend


def _name(call: Call, word: str) -> str:
    """The name of the proxy that is meant by a word, which may be its number."""
    number = _number(word)
    if number is None:
        return word
    return next((proxy.name for proxy in call.process.proxies() if proxy.iid == number), "")


def _number(word: str) -> int | None:
    """The number in `#<number>`, None if a word is a name."""
    return int(word[1:]) if word[:1] == "#" and word[1:].isdecimal() else None
