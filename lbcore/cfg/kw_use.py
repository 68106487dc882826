"""Lines that choose: `use_backend`, `use-server`, `redirect`, `monitor fail`, `declare capture` (manual 4.2)."""

from __future__ import annotations

from typing import Any

from lbcore.cfg.arguments import CAPITAL, Args, KeywordError, integer, kind_word
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.order import warn_conflicts, warn_misplaced
from lbcore.cfg.rulelists import rules_of
from lbcore.cfg.vocabulary import condition, read, words_of
from lbcore.proxy.settings import CaptureSlot
from lbcore.sample.points import Point
from lbcore.sample.words import Words
from lbcore.stream.rules import ACTIONS, BackendRule, Rule, Ruleset, ServerRule


def use_backend(args: Args) -> None:
    _own(args)
    if args.ignored("frontend"):
        args.rest()
        return
    words = words_of(args, Point.FE_SET_BCK)
    text = words.peek()
    if not text:
        raise KeywordError("'use_backend' expects a backend name.")
    words.take()
    if not words.at_condition:
        raise KeywordError(
            f"unexpected keyword '{words.peek()}' after switching rule, only 'if' and 'unless' are allowed.", words.at
        )
    held = condition(args, words, Point.FE_SET_BCK, "error detected while parsing switching rule : {}.")
    warn_conflicts(args, held)
    name = _name(args, words, text, f"failed to parse use_backend rule '{text}' : {{}}.", CAPITAL)
    warn_misplaced(args, "use_backend")
    rules_of(args.proxy).use_backend.append(BackendRule(name, held, args.line.file, args.line.number))
    args.rest()


def use_server(args: Args) -> None:
    _own(args)
    args.ignored("backend")
    words = words_of(args, Point.BE_SET_SRV)
    text = words.take()
    if not text:
        raise KeywordError("'use-server' expects a server name.")
    if words.peek() not in ("if", "unless"):
        raise KeywordError("'use-server' requires either 'if' or 'unless' followed by a condition.", words.at)
    held = condition(args, words, Point.BE_SET_SRV, "error detected while parsing switching rule : {}.")
    warn_conflicts(args, held)
    sentence = f"use-server rule failed to parse log-format '{text}' : {{}}."
    name = _name(args, words, text, sentence, "Parsing [{where}]; ")
    rules_of(args.proxy).use_server.append(ServerRule(name, held, args.line.file, args.line.number))
    args.rest()


def _own(args: Args) -> None:
    if args.in_defaults:
        raise KeywordError(f"'{args.name}' not allowed in 'defaults' section.", 0)


def _name(args: Args, words: Words, text: str, sentence: str, lead: str) -> Any:
    """The name that a rule chooses by: a text, or a format if it has something to be computed."""
    if "%" not in text:
        return text
    from lbcore.sample.format import parse_format  # with the vocabulary

    at = words.at
    words.at = args.position + 1
    try:
        found = read(args, words, lambda words: parse_format(text, words), sentence, lead=lead)
    finally:
        words.at = at
    return found if found.constant is None else found.constant


def redirect(args: Args) -> None:
    """The old line: what `http-request redirect` does, after all `http-request` rules."""
    _own(args)
    point = Point.FE_REQ_HDR if args.proxy.has_frontend else Point.BE_REQ_HDR
    words = words_of(args, point)
    row = ACTIONS.find(Ruleset.HTTP_REQUEST, "redirect")
    assert row is not None, "a row of lbcore.action.redirect"
    where = f"in {kind_word(args.proxy)} '{args.proxy.name}' while parsing redirect rule"
    action = read(args, words, lambda words: row.parse(words, Ruleset.HTTP_REQUEST), f"error detected {where} : {{}}.")
    held = condition(args, words, point, f"error detected {where} : error in condition: {{}}.")
    line = args.line
    rules_of(args.proxy).redirects.append(Rule(action, held, line.file, line.number, " ".join(line.texts())))
    warn_misplaced(args, "redirect")
    warn_conflicts(args, held)


def monitor(args: Args) -> None:
    """`monitor fail {if|unless} <condition>`: when `monitor-uri` answers 503."""
    _own(args)
    if args.ignored("frontend"):
        args.rest()
        return
    if args.take() != "fail":
        raise KeywordError("'monitor' only supports 'fail'.")
    if args.peek() not in ("if", "unless"):
        raise KeywordError("'monitor fail' requires either 'if' or 'unless' followed by a condition.", args.position)
    words = words_of(args, Point.FE_REQ_HDR)
    held = condition(args, words, Point.FE_REQ_HDR, "error detected while parsing a 'monitor fail' condition : {}.")
    warn_misplaced(args, "monitor fail")
    rules_of(args.proxy).monitor_fail.append(held)


def declare(args: Args) -> None:
    """`declare capture {request|response} len <length>`: a slot that rules fill."""
    if args.in_defaults:
        raise KeywordError("'declare' not available in default section", 0)
    proxy = args.proxy
    if not proxy.has_frontend:
        raise KeywordError("'declare' only available in frontend or listen section", 0)
    if args.take() != "capture":
        raise KeywordError(_declaration(args))
    direction = args.take()
    if direction not in ("request", "response"):
        raise KeywordError("'declare capture' requires a direction ('request' or 'response')")
    if args.take() != "len":
        raise KeywordError("'declare capture' requires a capture length ('len')")
    text = args.take()
    length = integer(text)
    if not text:
        raise KeywordError("'declare capture': 'len' requires a numeric value that represents the capture length")
    if length is None:
        raise KeywordError(f"'declare capture': cannot parse the length '{text}'.")
    if length <= 0:
        raise KeywordError("length must be > 0")
    slots = proxy.captures_request if direction == "request" else proxy.captures_response
    slots.append(CaptureSlot(length))


def _declaration(args: Args) -> str:
    word = args.line.text(args.position - 1)
    if not word:
        return "'declare' needs a second keyword that specify the type of declaration ('capture')"
    return f"unknown declaration type '{word}' (supports 'capture')"


KEYWORDS.register(
    Keyword(("declare",), PROXIES, declare, "capture {request|response} len <length>", "A slot for captures.", "0.2"),
    Keyword(("monitor",), PROXIES, monitor, "fail {if|unless} <condition>", "When `monitor-uri` fails.", "0.2"),
    Keyword(
        ("redirect",),
        PROXIES,
        redirect,
        "{location|prefix|scheme} <to> [options] [{if|unless} <condition>]",
        "Redirects requests, after all `http-request` rules.",
        "0.2",
    ),
    Keyword(
        ("use-server",), PROXIES, use_server, "<server> {if|unless} <condition>", "Chooses a server by a rule.", "0.2"
    ),
    Keyword(
        ("use_backend",),
        PROXIES,
        use_backend,
        "<backend> [{if|unless} <condition>]",
        "Chooses a backend by a rule.",
        "0.2",
    ),
)
