"""Lines of rules: `http-request`, `http-response`, `http-after-response`, `tcp-request`, `tcp-response` (manual 4.2).

A line is an action with its arguments and, perhaps, a condition. Actions are rows of `lbcore.stream.rules.ACTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.cfg.arguments import TIGHT, Args, KeywordError, kind_word
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import known_words, knows, not_yet
from lbcore.cfg.order import warn_conflicts, warn_misplaced
from lbcore.cfg.rulelists import point_of, rules_of, side_of
from lbcore.cfg.units import UnitError, parse_time
from lbcore.cfg.vocabulary import condition, read, words_of
from lbcore.sample.words import Words
from lbcore.stream.rules import ACTIONS, Action, ActionSpec, Rule, Ruleset

EXPOSED = "expose-experimental-directives"  # the global option
EXPERIMENTAL = frozenset({"normalize-uri"})
# After these, without a condition, no rule of the list is reached.
FINAL = frozenset(
    {"accept", "allow", "auth", "close", "deny", "redirect", "reject", "return", "silent-drop", "switch-mode", "tarpit"}
)


# --- mode http ---


def http_rule(ruleset: Ruleset) -> Callable[[Args], None]:
    """The function that reads the lines of a list of mode http."""

    def parse(args: Args) -> None:
        if args.in_defaults and not args.proxy.name:
            raise KeywordError(f"'{args.name}' not allowed in anonymous 'defaults' section.", 0)
        rules = rules_of(args.proxy)
        _warn_unreachable(args, rules.own(ruleset))
        rule = read_http_rule(args, ruleset)
        warn_misplaced(args, args.name)
        warn_conflicts(args, rule.condition)
        rules.add(ruleset, rule)

    return parse


def read_http_rule(args: Args, ruleset: Ruleset) -> Rule:
    """The rule that the rest of a line tells, its keyword being `args.name`."""
    words = words_of(args, point_of(args.proxy, ruleset))
    word = words.peek()
    row = ACTIONS.find(ruleset, word)
    if row is None:
        raise _unknown_http(args, ruleset, word)
    _check_experimental(args, word)
    where = f"in {kind_word(args.proxy)} '{args.proxy.name}' while parsing '{args.name} {word}' rule"
    action = _action(args, words, row, ruleset, f"error detected {where} : {{}}.")
    if not words.at_condition:
        found = words.peek()
        raise KeywordError(
            f"'{args.name} {word}' expects either 'if' or 'unless' followed by a condition but found '{found}'.",
            words.at,
            lead=TIGHT,
        )
    sentence = f"error detected while parsing an '{args.name} {word}' condition : {{}}."
    return _rule(args, action, condition(args, words, side_of(args.proxy, ruleset), sentence))


def _warn_unreachable(args: Args, before: Sequence[Rule]) -> None:
    if before and before[-1].condition is None and before[-1].action.name in FINAL:
        args.warn(
            f"previous '{args.name}' action is final and has no condition attached, further entries are NOOP.", TIGHT
        )


def _check_experimental(args: Args, word: str) -> None:
    if word in EXPERIMENTAL and EXPOSED not in args.context.settings.globals.options:
        raise KeywordError(
            f"'{word}' action is experimental, must be allowed via a global 'expose-experimental-directives'",
            args.position,
        )


def _action(args: Args, words: Words, row: Action, ruleset: Ruleset, sentence: str) -> ActionSpec:
    """The action of a line, bound to its proxy."""
    words.take()

    def parse(words: Words) -> ActionSpec:
        action = row.parse(words, ruleset)
        attach = getattr(action, "attach", None)
        if attach is not None:
            attach(args.proxy)
        return action

    return read(args, words, parse, sentence)


def _rule(args: Args, action: ActionSpec, held: Any) -> Rule:
    line = args.line
    return Rule(action, held, line.file, line.number, " ".join(line.texts()))


def _unknown_http(args: Args, ruleset: Ruleset, word: str) -> KeywordError:
    if word and knows(ruleset.value, word):
        return KeywordError(not_yet(f"{ruleset.value} {word}"), args.position)
    expected, hint = _expected(ruleset, word)
    error = KeywordError(f"'{args.name}' expects {expected}, but got '{word}'", args.position, hint, TIGHT)
    error.tail = "" if hint else "."
    return error


def _expected(ruleset: Ruleset, word: str) -> tuple[str, str | None]:
    """What may stand there, and the nearest to what does."""
    rows = [(name, ACTIONS.find(ruleset, name)) for name in ACTIONS.names(ruleset)]
    listed = ", ".join(_written(name, row) for name, row in rows)
    others = {other.rstrip("*") for other in known_words(ruleset.value)}
    return listed, suggest(word.partition("(")[0], others.union(name for name, _ in rows)) if word else None


def _written(name: str, row: Action | None) -> str:
    """How a list of actions shows one that more belongs to."""
    return f"'{name}(*)'" if row is not None and (row.prefix or row.numbered) else f"'{name}'"


# --- mode tcp ---


def tcp_request(args: Args) -> None:
    """`tcp-request` with a word that no row of the table has."""
    raise _unknown_layer(args, "'inspect-delay', 'connection', 'session', or 'content'")


def tcp_response(args: Args) -> None:
    """`tcp-response` with a word that no row of the table has."""
    raise _unknown_layer(args, "'inspect-delay' or 'content'")


def _unknown_layer(args: Args, expected: str) -> KeywordError:
    proxy, word = args.proxy, args.peek()
    place = f"in {kind_word(proxy)} '{proxy.name}'"
    if not word:
        return KeywordError(f"missing argument for '{args.name}' {place}", args.position)
    return KeywordError(f"'{args.name}' expects {expected} {place} (got '{word}')", args.position)


def tcp_rule(ruleset: Ruleset) -> Callable[[Args], None]:
    """The function that reads the lines of a list of mode tcp."""

    def parse(args: Args) -> None:
        _check_place(args, ruleset)
        proxy, rules = args.proxy, rules_of(args.proxy)
        words = words_of(args, point_of(args.proxy, ruleset))
        word = words.peek()
        place = f"in {kind_word(proxy)} '{proxy.name}'"
        row = ACTIONS.find(ruleset, word)
        if row is None:
            raise _unknown_tcp(args, ruleset, word, place)
        action = _action(args, words, row, ruleset, "{}")
        if not words.at_condition:
            raise KeywordError(
                f"'{args.name} {word}' only accepts 'if' or 'unless', {place} (got '{words.peek()}')", words.at
            )
        sentence = f"'{args.name} {word}' : error detected {place} while parsing '{words.peek()}' condition : {{}}"
        held = condition(args, words, side_of(args.proxy, ruleset), sentence)
        if ruleset is not Ruleset.TCP_RESPONSE:
            warn_misplaced(args, args.name)
        warn_conflicts(args, held, f" in '{args.name}'")
        rules.add(ruleset, _rule(args, action, held))

    return parse


def _check_place(args: Args, ruleset: Ruleset) -> None:
    """Raises KeywordError if rules of this kind can't stand in the section."""
    proxy = args.proxy
    anonymous = args.in_defaults and not proxy.name
    if ruleset is Ruleset.TCP_RESPONSE and (anonymous or proxy.kind == "frontend"):
        raise KeywordError(f"{args.name} is only allowed in 'backend' sections or 'defaults' section with a name")
    if anonymous:
        raise KeywordError(f"{args.name} is not allowed in anonymous 'defaults' sections")
    if ruleset in (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION) and proxy.kind == "backend":
        raise KeywordError(f"{args.name} is not allowed because {kind_word(proxy)} {proxy.name} is not a frontend")


def _unknown_tcp(args: Args, ruleset: Ruleset, word: str, place: str) -> KeywordError:
    if word and knows(ruleset.value, word):
        return KeywordError(not_yet(f"{ruleset.value} {word}"), 2)
    expected, hint = _expected(ruleset, word)
    error = KeywordError(f"'{args.name}' expects {expected} {place} (got '{word}')", 2, hint)
    error.tail = "" if hint else "."
    return error


def inspect_delay(args: Args) -> None:
    """`tcp-request inspect-delay <time>`."""
    _check_place(args, Ruleset.TCP_CONTENT)
    rules_of(args.proxy).inspect_delay = _delay(args)


def response_inspect_delay(args: Args) -> None:
    """`tcp-response inspect-delay <time>`."""
    _check_place(args, Ruleset.TCP_RESPONSE)
    rules_of(args.proxy).response_inspect_delay = _delay(args)


def _delay(args: Args) -> int:
    proxy = args.proxy
    complaint = f"'{args.name}' expects a positive delay in milliseconds, in {kind_word(proxy)} '{proxy.name}'"
    text = args.take()
    if not text:
        raise KeywordError(complaint)
    try:
        return parse_time(text)
    except UnitError as error:
        detail = f" (unexpected character '{error.char}')" if error.char else " (timer overflow)"
        raise KeywordError(complaint + detail) from None


def expose_experimental(args: Args) -> None:
    args.context.settings.globals.options[EXPOSED] = True


KEYWORDS.register(
    Keyword((EXPOSED,), GLOBAL, expose_experimental, "", "Allows words that HAProxy calls experimental.", "0.2"),
    Keyword(
        ("http-after-response",),
        PROXIES,
        http_rule(Ruleset.HTTP_AFTER),
        "<action> [{if|unless} <condition>]",
        "A rule for all responses, also those of the balancer itself.",
        "0.2",
    ),
    Keyword(
        ("http-request",),
        PROXIES,
        http_rule(Ruleset.HTTP_REQUEST),
        "<action> [{if|unless} <condition>]",
        "A rule for requests.",
        "0.2",
    ),
    Keyword(
        ("http-response",),
        PROXIES,
        http_rule(Ruleset.HTTP_RESPONSE),
        "<action> [{if|unless} <condition>]",
        "A rule for responses of servers.",
        "0.2",
    ),
    Keyword(("tcp-request",), PROXIES, tcp_request, "{connection|session|content|inspect-delay} ...", "Rules.", "0.2"),
    *(
        Keyword(("tcp-request", layer), PROXIES, tcp_rule(ruleset), "<action> [{if|unless} <condition>]", doc, "0.2")
        for layer, ruleset, doc in (
            ("connection", Ruleset.TCP_CONNECTION, "A rule for connections, as soon as they are accepted."),
            ("content", Ruleset.TCP_CONTENT, "A rule for what clients send."),
            ("session", Ruleset.TCP_SESSION, "A rule for connections whose handshakes are over."),
        )
    ),
    Keyword(
        ("tcp-request", "inspect-delay"),
        PROXIES,
        inspect_delay,
        "<time>",
        "How long rules wait for what they ask about.",
        "0.2",
    ),
    Keyword(("tcp-response",), PROXIES, tcp_response, "{content|inspect-delay} ...", "Rules.", "0.2"),
    Keyword(
        ("tcp-response", "content"),
        PROXIES,
        tcp_rule(Ruleset.TCP_RESPONSE),
        "<action> [{if|unless} <condition>]",
        "A rule for what servers send.",
        "0.2",
    ),
    Keyword(
        ("tcp-response", "inspect-delay"),
        PROXIES,
        response_inspect_delay,
        "<time>",
        "How long rules wait for what they ask about.",
        "0.2",
    ),
)
