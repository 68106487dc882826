"""Tells three kinds of unknown words apart: those HAProxy dropped, those lbcore does not do yet, and typing errors.

Only asked when a line could not be understood, so the list of words is read then and not before.
"""

from __future__ import annotations

from functools import cache

from lbcore.cfg.arguments import SPACED, TIGHT, KeywordError
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.keywords import KEYWORDS, PROXIES
from lbcore.cfg.words import Line
from lbcore.version import __version__

_BUILTIN_RULES = ("http-request", "http-response", "http-after-response")
_LAYERS = ("tcp-request", "tcp-response")
# Two-word keywords: the second word is named, too, because the first alone would say too little.
_FAMILIES = ("option", "timeout", "balance", "mode")


@cache
def known_words(kind: str) -> frozenset[str]:
    """The words that HAProxy 3.2 has for a kind of place ("global", "proxy", "bind", "http-request", ...)."""
    from lbcore.cfg.known_words import WORDS  # 24 KiB of words: only when something is wrong

    return frozenset(WORDS[kind].split())


def knows(kind: str, word: str) -> bool:
    """Whether HAProxy has this word there. `set-var(txn.a)` is found as `set-var*`."""
    words = known_words(kind)
    return word in words or f"{word.partition('(')[0]}*" in words or word.partition("(")[0] in words


# Words whose effect there can't be, by their last word.
_NO_MEANING = {
    "expose-deprecated-directives": "none of its words has to be exposed",
    "h1-do-not-close-on-insecure-transfer-encoding": "messages whose end can be read in two ways are refused",
    "harden.reject-privileged-ports.quic": "it does not speak QUIC",
    "no-memory-trimming": "it has no allocator of its own that would give memory back",
    "idle-ping": "it is a frame of HTTP/2, which it does not speak yet",
    "noevports": "event ports are those of Solaris, which it has none for",
    "prealloc-fd": "its table of descriptors is made once, for all that it may have",
    "shard": "it says which peers a key goes to, and only in peers sections",
    "stress-level": "it is for tests of HAProxy's own program",
    "tune.fail-alloc": "it is for tests of HAProxy's own program",
    "tune.idletimer": "what is spliced, or sent in large parts, does not depend on how long a stream was silent",
    "tune.max-rules-at-once": "rules are compiled, and a list of them runs in one go",
    "tune.memory.hot-size": "it has no memory pools with caches of threads",
    "tune.pattern.cache-size": "patterns are compiled, and what they match is not kept",
    "tune.rcvbuf.backend": "it reads nothing from the sockets of datagrams that it opens",
    "tune.rcvbuf.frontend": "it has no listeners for datagrams",
    "tune.sndbuf.frontend": "it has no listeners for datagrams",
    "use-service": "its services answer requests ('http-request use-service')",
}


def not_yet(name: str) -> str:
    """The message for a word of HAProxy that lbcore does not do."""
    why = _NO_MEANING.get(name.rpartition(" ")[2])
    if why is not None:
        return f"the '{name}' keyword is HAProxy's but has no meaning in lbcore: {why}"
    return f"the '{name}' keyword is HAProxy's but is not supported by lbcore {__version__} yet"


def unknown_keyword(place: str, line: Line, start: int) -> KeywordError:
    """What to say about a line of a section whose first word (`line.words[start]`) no row of the table claims."""
    word = line.text(start)
    removed = _removed(place, word, line.text(start + 1))
    if removed is not None:
        return KeywordError(removed, start, lead=TIGHT if word in _TIGHT_REMOVED else SPACED)
    kind = "proxy" if place in PROXIES else place
    if knows(kind, word):
        return KeywordError(not_yet(_full_name(word, line.text(start + 1))), start)
    hint = suggest(word, known_words(kind).union(KEYWORDS.words(place)))
    if place == "userlist":  # HAProxy calls this section by its older name
        return KeywordError(f"unknown keyword '{word}' in 'users' section", start, lead=TIGHT)
    return KeywordError(f"unknown keyword '{word}' in '{place}' section", start, hint)


def unknown_option(kind: str, word: str) -> tuple[bool, str | None]:
    """For options of a line: whether HAProxy has the word, and else the nearest word that it or lbcore has."""
    if knows(kind, word):
        return True, None
    return False, suggest(word, known_words(kind).union(KEYWORDS.words(kind)))


def _full_name(word: str, second: str) -> str:
    """The word with the action or member that makes it tell something: `http-request set-header`."""
    kind = word
    if word in _LAYERS and second:
        kind = f"{word} {second}"
        return kind if second in ("connection", "session", "content", "inspect-delay") else word
    if word in _BUILTIN_RULES or word in _FAMILIES or word == "stats":
        return f"{word} {second}" if second and knows(kind, second) else word
    return word


_TIGHT_REMOVED = ("grace", "bind-process", "tune.chksize")
_GONE_2_1 = "The '{}' directive is not supported anymore since HAProxy 2.1."
_GONE_2_1_USE = _GONE_2_1 + " Use '{}' instead."

# What took the place of the header rules of old, by their word.
_HEADER_RULES = {
    "reqadd": "http-request add-header",
    "reqallow": "http-request allow",
    "reqdel": "http-request del-header",
    "reqiallow": "http-request allow",
    "reqidel": "http-request del-header",
    "reqideny": "http-request deny",
    "reqirep": "http-request replace-header",
    "reqitarpit": "http-request tarpit",
    "reqtarpit": "http-request tarpit",
    "rspadd": "http-response add-header",
    "rspdeny": "http-response deny",
    "rspidel": "http-response del-header",
    "rspideny": "http-response deny",
    "rspirep": "http-response replace-header",
    "rsprep": "http-response replace-header",
}

# Words of older versions of HAProxy with the text that later versions answer; "{}" is the argument.
_REMOVED_PROXY = {
    "appsession": "'appsession' is not supported anymore since HAProxy 1.6.",
    "bind-process": "'bind-process' is not supported anymore.",
    "block": _GONE_2_1.format("block") + " Use 'http-request deny' which uses the exact same syntax.",
    "clitimeout": "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'.",
    "contimeout": "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'.",
    "grace": "the 'grace' keyword is not supported any more since HAProxy version 2.5.",
    "monitor-net": "'monitor-net' doesn't exist anymore. "
    "Please use 'http-request return status 200 if { src {} }' instead.",
    "redispatch": "keyword 'redispatch' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'.",
    "reqdeny": "The 'reqdeny' not supported anymore since HAProxy 2.1. Use 'http-request deny' instead.",
    "reqipass": _GONE_2_1.format("reqipass"),
    "reqpass": "The 'reqpass' not supported anymore since HAProxy 2.1.",
    "reqrep": _GONE_2_1.format("reqrep")
    + " Use 'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header' instead.",
    "rspdel": _GONE_2_1.format("rspdel") + " Use 'http-response del-header' .",
    "srvtimeout": "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'.",
}
_REMOVED_GLOBAL = {
    "nbproc": "nbproc is not supported any more since HAProxy 2.5. "
    "Threads will automatically be used on multi-processor machines if available.",
    "tune.chksize": "option 'tune.chksize' is not supported any more (tune.bufsize is used instead).",
}
REMOVED_OPTIONS = {
    "forceclose": "option 'forceclose' is not supported any more since HAProxy 2.0, "
    "please just remove it, or use 'option httpclose' if absolutely needed.",
    "http-tunnel": "option 'http-tunnel' is not supported any more since HAProxy 2.1, "
    "please just remove it, it shouldn't be needed.",
    "http_proxy": "option 'http_proxy' is not supported any more since HAProxy 2.5. This option stopped working in "
    "HAProxy 1.9 and usually had nasty side effects. It can be more reliably implemented with combinations of "
    "'http-request set-dst' and 'http-request set-uri', and even 'http-request do-resolve' if DNS resolution is "
    "desired.",
}


def _removed(place: str, word: str, argument: str) -> str | None:
    if place == "global":
        return _REMOVED_GLOBAL.get(word)
    if place not in PROXIES:
        return None
    instead = _HEADER_RULES.get(word)
    if instead is not None:
        return _GONE_2_1_USE.format(word, instead)
    text = _REMOVED_PROXY.get(word)
    return None if text is None else text.replace("{}", argument)
