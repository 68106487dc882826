"""Options of `server` lines about what a server's state follows, and what follows from it (manual 5.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import Args, KeywordError, integer
from lbcore.cfg.keywords import KEYWORDS, SERVERS, Keyword
from lbcore.cfg.units import UnitError, parse_time
from lbcore.proxy.settings import InitState, Observe, OnError

_OBSERVED = {"none": Observe.NONE, "layer4": Observe.LAYER4, "layer7": Observe.LAYER7}
_BEGINNINGS = {state.value: state for state in InitState}
_DEEDS = {deed.value: deed for deed in OnError}


def error_limit(args: Args) -> None:
    """`error-limit <count>`: errors in a row that `observe` puts up with."""
    text = args.take()
    if not text:
        raise KeywordError("'error-limit' expects an integer argument.")
    value = integer(text)
    if value is None or value < 1:
        raise KeywordError("error-limit has to be > 0.")
    args.server.error_limit = value


def init_state(args: Args) -> None:
    """`init-state <state>`: what it is taken for until checks say more, if it is checked."""
    text = args.take()
    if text not in _BEGINNINGS:
        raise KeywordError(f"'init-state' expects one of 'fully-up', 'up', 'down' or 'fully-down' but got '{text}'")
    args.server.init_state = _BEGINNINGS[text]


def observe(args: Args) -> None:
    """`observe none|layer4|layer7`: traffic that is watched for errors."""
    text = args.take()
    if not text:
        raise KeywordError("'observe' expects <mode> as argument.")
    if text not in _OBSERVED:
        raise KeywordError(f"'observe' expects one of 'none', 'layer4', 'layer7' but got '{text}'")
    if text == "layer7" and args.proxy.mode != "http":
        raise KeywordError("'layer7' can only be used in http proxies.")
    args.server.observe = _OBSERVED[text]


def on_error(args: Args) -> None:
    """`on-error <deed>`: what too many errors lead to."""
    text = args.take()
    if text not in _DEEDS:
        raise KeywordError(
            f"'on-error' expects one of 'fastinter', 'fail-check', 'sudden-death' or 'mark-down' but got '{text}'"
        )
    args.server.on_error = _DEEDS[text]


def only(field: str, word: str) -> Callable[[Args], None]:
    """The function of an option that has one possible value."""

    def parse(args: Args) -> None:
        name = args.line.text(args.position - 1)
        text = args.take()
        if text != word:
            raise KeywordError(f"'{name}' expects '{word}' but got '{text}'")
        setattr(args.server, field, True)

    return parse


def redir(args: Args) -> None:
    """`redir <prefix>`: GET and HEAD are sent to another place instead."""
    text = args.take()
    if not text:
        raise KeywordError("'redir' expects <prefix> as argument.")
    args.server.redir = text


def slowstart(args: Args) -> None:
    """`slowstart <time>`: how long a server that comes up takes to its full load."""
    text = args.take()
    if not text:
        raise KeywordError("'slowstart' expects <time> as argument.")
    try:
        args.server.slowstart = parse_time(text, "ms", name="slowstart")
    except UnitError as error:
        raise KeywordError(_wrong_time(error, text, args.server.name)) from None


def _wrong_time(error: UnitError, text: str, server: str) -> str:
    if error.kind == "overflow":
        limit = "maximum value is 2147483647 ms (~24.8 days)"
        return f"overflow in argument <{text}> to <slowstart> of server {server}, {limit}."
    if error.kind == "underflow":
        limit = "minimum non-null value is 1 ms"
        return f"underflow in argument <{text}> to <slowstart> of server {server}, {limit}."
    return f"unexpected character '{error.char}' in 'slowstart' argument of server {server}."


def track(args: Args) -> None:
    """`track [<backend>/]<server>`: the server whose checks count for this one too."""
    text = args.take()
    if not text:
        raise KeywordError("'track' expects [<proxy>/]<server> as argument.")
    args.server.track = text


KEYWORDS.register(
    Keyword(("error-limit",), SERVERS, error_limit, "<count>", "Errors in a row before `on-error`."),
    Keyword(("init-state",), SERVERS, init_state, "{fully-up|up|down|fully-down}",
            "What it is taken for until checks say more."),
    Keyword(("observe",), SERVERS, observe, "{none|layer4|layer7}", "Traffic that is watched for errors."),
    Keyword(("on-error",), SERVERS, on_error, "{fastinter|fail-check|sudden-death|mark-down}",
            "What too many errors lead to."),
    Keyword(("on-marked-down",), SERVERS, only("on_marked_down", "shutdown-sessions"), "shutdown-sessions",
            "Ends the streams of a server that goes down."),
    Keyword(("on-marked-up",), SERVERS, only("on_marked_up", "shutdown-backup-sessions"), "shutdown-backup-sessions",
            "Ends the streams of backup servers when this one comes up."),
    Keyword(("redir",), SERVERS, redir, "<prefix>", "Sends GET and HEAD to another place."),
    Keyword(("slowstart",), SERVERS, slowstart, "<time>", "How long it takes to its full load."),
    Keyword(("track",), SERVERS, track, "[<backend>/]<server>", "Follows the checks of another server."),
)  # fmt: skip
