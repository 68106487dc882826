"""HAProxy's commands that are not done: they say so by their names."""

from __future__ import annotations

from lbcore.cli.registry import Call, Command, Level, Refusal, Reply

NOT_DONE = {
    "disable dynamic-cookie backend": Level.ADMIN,
    "enable dynamic-cookie backend": Level.ADMIN,
    "expert-mode": Level.ADMIN,
    "set dynamic-cookie-key backend": Level.ADMIN,
    "show activity": Level.OPERATOR,
    "show events": Level.OPERATOR,
    "show pools": Level.USER,
    "show profiling": Level.OPERATOR,
    "show resolvers": Level.USER,
    "show schema json": Level.USER,
    "show sess": Level.OPERATOR,
    "show startup-logs": Level.OPERATOR,
    "show tasks": Level.USER,
    "shutdown session": Level.ADMIN,
    "wait": Level.USER,
}


def _row(words: str, level: Level) -> Command:
    def refuse(call: Call) -> Reply:
        raise Refusal(f"'{words}' is not done in this release.")

    return Command(tuple(words.split()), words, "not done in this release", refuse, level, hidden=True)


COMMANDS = tuple(_row(words, level) for words, level in NOT_DONE.items())
