"""What clients are believed (LB6xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lbcore.cfg.words import Line
from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Section, Subject, expressions_of, rules_of
from lbcore.proxy.settings import ProxySettings

# Fields by which proxies tell who the client is: from anybody else they are hearsay.
IDENTITY = frozenset({"x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "x-client-ip", "cf-connecting-ip"})
_HOST = re.compile(r"%\[\s*(?:req\.)?f?hdr\(\s*host\b", re.IGNORECASE)
_ORIGIN = re.compile(r"hdr\(\s*origin\b", re.IGNORECASE)
_CAPTURED = re.compile(r"capture\.req\.hdr\(\s*([0-9]+)")
_VARIABLE = re.compile(r"var\(\s*([A-Za-z0-9_.]+)")
HEADER_FETCHES = frozenset({"hdr", "req.hdr", "req.fhdr", "hdr_ip", "req.hdr_ip", "hdr_val", "req.hdr_val"})
REMOVES = frozenset({"del-header", "set-header", "replace-header", "replace-value"})
# Fetches of what a client chooses freely.
CHOSEN = re.compile(
    r"%\[\s*(?:req\.)?(?:hdr|fhdr|cook|urlp|url_param|url|path|pathq|query|body|body_param|payload|base|hdrs|capture\.req)\b"
)


def spoofed_forwardfor(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        option = proxy.forwardfor
        if option is None or proxy.mode != "http" or not proxy.has_frontend or _removes(proxy, option.header):
            continue
        where = proxy.places.get("forwardfor", section.head.where)
        if option.if_none:
            text = f"a client that sends '{option.header}' itself is believed ('if-none')"
        else:
            text = f"a '{option.header}' that the client sent goes to servers, too, before ours"
        yield Hit(where, text, "forwardfor")


def _removes(proxy: ProxySettings, header: str) -> bool:
    """Whether a rule takes the client's field away."""
    for listed in rules_of(proxy).lists.values():
        for rule in listed:
            words = rule.text.split()
            if rule.action.name in REMOVES and header.lower() in (word.lower() for word in words):
                return True
    return False


def believed_header(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for where, expression in expressions_of(proxy):
            name = str(expression.args[0]).lower() if expression.args else ""
            if expression.row.name in HEADER_FETCHES and name in IDENTITY and not _removes(proxy, name):
                yield Hit(where, f"'{expression.text}' is what the client says of itself", expression.text)


def _set_src(section: Section) -> Iterator[Line]:
    return (line for line in section.lines if "set-src" in line.texts()[1:3])


def believed_source(subject: Subject) -> Iterator[Hit]:
    for section, _ in subject.proxies:
        for line in _set_src(section):
            texts = line.texts()
            if "hdr" in " ".join(texts) and not {"if", "unless"} & set(texts):
                yield Hit(line, "any client may give itself any address by a header", "set-src")


def open_redirect(subject: Subject) -> Iterator[Hit]:
    for section, _ in subject.proxies:
        for line in (*section.find("redirect"), *section.find("http-request", "redirect")):
            texts = line.texts()
            kind = next((word for word in ("location", "prefix") if word in texts), None)
            if kind is None:
                continue
            target = texts[texts.index(kind) + 1]
            if _is_chosen(target):
                yield Hit(line, f"'{target}' lets a request choose where it is redirected to", target)


def _is_chosen(target: str) -> bool:
    """Whether the host of a target is what the client sent. Its own path, on this host, and the Host that the browser
    sent because it meant this one, are not."""
    begin = re.sub(r"^(?:https?:)?//", "", target)
    own_path = begin == target and re.match(r"%\[\s*(?:path|pathq)\b", target)
    return bool(CHOSEN.match(begin)) and not own_path and not _HOST.match(begin)


def reflected_origin(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        for line in _responses(section):
            texts = line.texts()
            allows = texts[2:3] and texts[2].lower() == "access-control-allow-origin"
            if allows and _unconditional(line) and _tells_origin(subject, proxy, " ".join(texts[3:])):
                yield Hit(line, "any site may read the answers: its Origin is allowed unseen", 3)


def _responses(section: Section) -> Iterator[Line]:
    yield from section.find("http-response")
    yield from section.find("http-after-response")


def _unconditional(line: Line) -> bool:
    return not {"if", "unless"} & set(line.texts())


def _tells_origin(subject: Subject, proxy: ProxySettings, text: str) -> bool:
    """Whether a format gives the Origin of the request: by a variable, or by a capture."""
    slots = [(slot.header or "").lower() for slot in proxy.captures_request]
    if any(int(number) < len(slots) and slots[int(number)] == "origin" for number in _CAPTURED.findall(text)):
        return True
    names = set(_VARIABLE.findall(text))
    lines = (line for section, _ in subject.proxies for line in section.find("http-request"))
    return any(
        _ORIGIN.search(" ".join(line.texts()[2:])) and _unconditional(line)
        for line in lines
        if names & set(_VARIABLE.findall(line.text(1)))
    )


def host_in_reply(subject: Subject) -> Iterator[Hit]:
    for section, _ in subject.proxies:
        for line in _responses(section):
            texts = line.texts()
            sets = texts[1] in ("set-header", "add-header") and texts[2].lower() in ("location", "refresh")
            if sets and _is_chosen(texts[3]):
                yield Hit(line, f"'{texts[2]}' is made of what the request says", 3)


register(
    Lint("LB601", "spoofable-forwardfor", Level.WARNING, "The client's own X-Forwarded-For reaches servers.",
         "Add 'http-request del-header X-Forwarded-For' unless a proxy in front is trusted to set it.",
         spoofed_forwardfor),
    Lint("LB602", "trusted-client-header", Level.WARNING, "A rule believes a header that any client can send.",
         "Ask 'src', or remove the header from clients that are no proxies of yours.", believed_header),
    Lint("LB603", "source-from-header", Level.ERROR, "The client's address is taken from a header without a condition.",
         "Add 'if { src <your proxies> }'.", believed_source),
    Lint("LB604", "open-redirect", Level.ERROR, "The target of a redirection begins with what the client sent.",
         "Begin it with a host or path of your own, or look the target up in a map.", open_redirect),
    Lint("LB605", "reflected-origin", Level.ERROR, "Every Origin is allowed to read the answers.",
         "Add a condition that names the origins that may, or look them up in a map.", reflected_origin),
    Lint("LB606", "reflected-location", Level.ERROR, "A header that leads browsers is made of what the request says.",
         "Use a host of your own.", host_in_reply),
)  # fmt: skip
