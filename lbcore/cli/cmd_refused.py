"""HAProxy's commands that are not done: they say so by their names, and why."""

from __future__ import annotations

from typing import NamedTuple

from lbcore.cli.registry import Call, Command, Level, Refusal, Reply


class NotDone(NamedTuple):
    """For whom it is, and why it is not done."""

    level: Level
    reason: str
    expert: bool = False


_TLS = "there is no TLS"
_DEBUG = "there are no commands that harm the process"
_ANON = "nothing is made anonymous"
_TRACE = "there are no traces"

NOT_DONE = {
    "acme renew": NotDone(Level.ADMIN, _TLS),
    "acme status": NotDone(Level.ADMIN, _TLS),
    "debug counters": NotDone(Level.ADMIN, "there are no counters of lines of code"),
    "debug dev hash": NotDone(Level.USER, _ANON),
    "dump stats-file": NotDone(Level.ADMIN, "there are no files of statistics"),
    "httpclient": NotDone(Level.ADMIN, "there is no client of HTTP", expert=True),
    "set anon global-key": NotDone(Level.ADMIN, _ANON),
    "set anon off": NotDone(Level.USER, _ANON),
    "set anon on": NotDone(Level.USER, _ANON),
    "show anon": NotDone(Level.USER, _ANON),
    "show cache": NotDone(Level.USER, "there are no caches"),
    "show resolvers": NotDone(Level.USER, "there are no resolvers"),
    "show tls-keys": NotDone(Level.USER, _TLS),
    "show trace": NotDone(Level.USER, _TRACE),
    "trace": NotDone(Level.ADMIN, _TRACE),
    **{
        f"debug dev {what}": NotDone(Level.ADMIN, _DEBUG, expert=True)
        for what in (
            "bug", "check", "close", "deadlock", "delay", "exit", "fd", "hex", "log", "loop", "panic", "sched",
            "stream", "sym", "task", "tkill", "warn", "write",
        )
    },
    **{
        f"{deed} ssl {what}": NotDone(Level.USER if deed == "show" else Level.ADMIN, _TLS)
        for what, deeds in (
            ("ca-file", "abort add commit del new set show"),
            ("cert", "abort commit del dump new set show"),
            ("crl-file", "abort commit del new set show"),
            ("crt-list", "add del show"),
            ("ocsp-response", "set show update"),
            ("ocsp-updates", "show"),
            ("providers", "show"),
            ("sni", "show"),
            ("tls-key", "set"),
        )
        for deed in deeds.split()
    },
}  # fmt: skip


def _row(words: str, what: NotDone) -> Command:
    def refuse(call: Call) -> Reply:
        raise Refusal(f"'{words}' is not done in this release: {what.reason}.")

    usage = "not done in this release"
    return Command(tuple(words.split()), words, usage, refuse, what.level, expert=what.expert, hidden=True)


COMMANDS = tuple(_row(words, what) for words, what in NOT_DONE.items())
