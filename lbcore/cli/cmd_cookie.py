"""Cookies that are made of addresses: `enable`, `disable dynamic-cookie backend`, `set dynamic-cookie-key backend`."""

from __future__ import annotations

from lbcore.cli.named import backend_of
from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply


def enable(call: Call) -> Reply:
    """Servers without a cookie of their own get one."""
    backend = backend_of(call)
    call.process.dynamic_cookies().switch(backend, True)
    return NOTHING


def disable(call: Call) -> Reply:
    """Servers have no cookies but those of their lines."""
    backend = backend_of(call)
    call.process.dynamic_cookies().switch(backend, False)
    return NOTHING


def set_key(call: Call) -> Reply:
    """Another secret: clients are balanced anew."""
    backend = backend_of(call)
    if not call.arg(1):
        raise Refusal("String value expected.")
    call.process.dynamic_cookies().set_key(backend, call.arg(1))
    return NOTHING


COMMANDS = (
    Command(("disable", "dynamic-cookie", "backend"), "disable dynamic-cookie backend <bk>",
            "disable dynamic cookies on a specific backend", disable, Level.ADMIN),
    Command(("enable", "dynamic-cookie", "backend"), "enable dynamic-cookie backend <bk>",
            "enable dynamic cookies on a specific backend", enable, Level.ADMIN),
    Command(("set", "dynamic-cookie-key", "backend"), "set dynamic-cookie-key backend <bk> <k>",
            "change a backend secret key for dynamic cookies", set_key, Level.ADMIN),
)  # fmt: skip
