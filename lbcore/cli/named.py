"""The objects that commands name: `be/s1`, `fe`."""

from __future__ import annotations

from lbcore.cli.registry import Call, Refusal
from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend
from lbcore.proxy.server import Server


def server_of(call: Call) -> Server:
    """The server that the first argument names. Raises Refusal."""
    backend, name = place_of(call)
    server = backend.by_name.get(name)
    if server is None:
        raise Refusal("No such server.")
    return server


def place_of(call: Call) -> tuple[Backend, str]:
    """The backend and the name of the server in `<backend>/<server>`, the first argument. Raises Refusal."""
    name, slash, server = call.arg(0).partition("/")
    if not slash:
        raise Refusal("Require 'backend/server'.")
    backend = call.process.backends().get(name)
    if backend is None:
        raise Refusal("No such backend.")
    return backend, server


def backend_of(call: Call) -> Backend:
    """The backend that the first argument names. Raises Refusal."""
    if not call.arg(0):
        raise Refusal("A backend name is expected.")
    backend = call.process.backends().get(call.arg(0))
    if backend is None:
        raise Refusal("No such backend.")
    return backend


def frontend_of(call: Call) -> Frontend:
    """The frontend that the first argument names. Raises Refusal."""
    if not call.arg(0):
        raise Refusal("A frontend name is expected.")
    frontend = call.process.frontends().get(call.arg(0))
    if frontend is None:
        raise Refusal("No such frontend.")
    return frontend
