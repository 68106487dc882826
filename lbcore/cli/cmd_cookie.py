"""Cookies that are made of addresses: `enable`, `disable dynamic-cookie backend`, `set dynamic-cookie-key backend`."""

from __future__ import annotations

from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply
from lbcore.proxy.backend import Backend


def enable(call: Call) -> Reply:
    """Servers without a cookie of their own get one."""
    backend = _backend(call)
    call.process.dynamic_cookies().switch(backend, True)
    return NOTHING


def disable(call: Call) -> Reply:
    """Servers have no cookies but those of their lines."""
    backend = _backend(call)
    call.process.dynamic_cookies().switch(backend, False)
    return NOTHING


def set_key(call: Call) -> Reply:
    """Another secret: clients are balanced anew."""
    backend = _backend(call)
    if not call.arg(1):
        raise Refusal("String value expected.")
    call.process.dynamic_cookies().set_key(backend, call.arg(1))
    return NOTHING


def _backend(call: Call) -> Backend:
    if not call.arg(0):
        raise Refusal("A backend name is expected.")
    backend = call.process.backends().get(call.arg(0))
    if backend is None:
        raise Refusal("No such backend.")
    return backend


COMMANDS = (
    Command(("disable", "dynamic-cookie", "backend"), "disable dynamic-cookie backend <bk>",
            "disable dynamic cookies on a specific backend", disable, Level.ADMIN),
    Command(("enable", "dynamic-cookie", "backend"), "enable dynamic-cookie backend <bk>",
            "enable dynamic cookies on a specific backend", enable, Level.ADMIN),
    Command(("set", "dynamic-cookie-key", "backend"), "set dynamic-cookie-key backend <bk> <k>",
            "change a backend secret key for dynamic cookies", set_key, Level.ADMIN),
)  # fmt: skip
