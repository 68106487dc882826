"""Actions on logs: `set-log-level`, `do-log` (manual 4.2)."""

from __future__ import annotations

from lbcore.action.spec import Spec, argument, spec
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.build import Build
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Ruleset, Run
from lbcore.stream.txn import Txn

# By their severity in syslog (RFC 5424 6.2.1); -1: no line at all.
LEVELS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7, "silent": -1}


def set_log_level(words: Words, ruleset: Ruleset) -> Spec:
    """`set-log-level <level>`."""
    start = words.at - 1
    complaint = "expects exactly 1 argument (log level name or 'silent')"
    level = LEVELS.get(argument(words, complaint))
    if level is None:
        raise ParseError(complaint)

    def run(t: Txn) -> None:
        t.log_level = level
        t.kept = True  # until its line is written

    return spec(words, start, lambda build: run)


# Where lines come from, as log profiles name it (`on http-req`).
ORIGINS = {
    Ruleset.TCP_CONNECTION: "tcp-req-conn",
    Ruleset.TCP_SESSION: "tcp-req-sess",
    Ruleset.TCP_CONTENT: "tcp-req-cont",
    Ruleset.TCP_RESPONSE: "tcp-res-cont",
    Ruleset.HTTP_REQUEST: "http-req",
    Ruleset.HTTP_RESPONSE: "http-res",
    Ruleset.HTTP_AFTER: "http-after-res",
}


def do_log(words: Words, ruleset: Ruleset) -> Spec:
    """`do-log [profile <name>]`: a line at once, with what is known so far, if the frontend has logs."""
    start = words.at - 1
    origin, profile = ORIGINS[ruleset], None
    if words.peek() == "profile":
        words.take()
        profile = argument(words, "expects a log profile name")

    def make(build: Build) -> Run:
        from lbcore.stream.logs import log_now  # senders, workers: only where a balancer is built

        return lambda t: log_now(t, origin, profile)

    def check(proxy: ProxySettings, settings: Settings) -> str | None:
        if profile is None or profile in settings.log_profiles:
            return None
        return f"unable to find log-profile '{profile}' referenced by do-log rule."

    return spec(words, start, make, check=check)


STREAM = (
    Ruleset.TCP_CONTENT,
    Ruleset.TCP_RESPONSE,
    Ruleset.HTTP_REQUEST,
    Ruleset.HTTP_RESPONSE,
    Ruleset.HTTP_AFTER,
)

ACTIONS.register(
    Action("do-log", tuple(Ruleset), do_log, "Writes a log line at once."),
    Action("set-log-level", STREAM, set_log_level, "The level of the stream's log line."),
)
