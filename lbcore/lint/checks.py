"""Checks that are not made, that cannot fail, or that notice too late (LB9xx)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Subject
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.regex import compile_regex

OF_CHECKS = ("addr", "downinter", "fall", "fastinter", "inter", "port", "rise")
NO_STEPS = ("disable-on-404", "send-state")  # what `http-check` says besides
ANY_STATUS = range(100, 600)


def options_without_check(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        lines = {str(line.where): line for word in ("server", "server-template") for line in section.find(word)}
        for server in proxy.servers:
            if server.check is not None or server.agent_check is not None or server.track is not None:
                continue
            line = lines.get(str(server.where))
            word = next((text for text in line.texts()[3:] if text in OF_CHECKS), None) if line is not None else None
            if word is not None:
                yield Hit(server.where, f"server '{server.name}' has '{word}' and no 'check'", word)


def option_without_check(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if not proxy.check_kind or not proxy.servers or any(server.check is not None for server in proxy.servers):
            continue
        line = next((line for line in section.find("option", proxy.check_kind)), None)
        if line is not None:  # one in `defaults` is for others
            yield Hit(line, f"no server of '{proxy.name}' has 'check': 'option {proxy.check_kind}' asks nobody", 1)


def never_fails(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if not any(server.check is not None for server in proxy.servers) or proxy.check_ruleset is None:
            continue
        for kind in ("http-check", "tcp-check"):
            lines = (line for line in section.find(kind) if line.text(1) not in NO_STEPS)
            for line, step in zip(lines, _own_steps(proxy, kind), strict=False):
                if line.text(1) == "expect" and _likes_all(step):
                    yield Hit(line, f"any answer will do for '{kind} expect {step.match}'", step.match)


def _own_steps(proxy: ProxySettings, kind: str) -> tuple[Any, ...]:
    """The steps of a proxy's own lines of a kind."""
    steps = proxy.http_check_steps if kind == "http-check" else proxy.tcp_check_steps
    return steps if kind in proxy.places else ()


def _likes_all(step: Any) -> bool:
    if step.match == "status":
        codes = {code for span in step.codes for code in span}
        return not codes.intersection(ANY_STATUS) if step.negated else codes.issuperset(ANY_STATUS)
    if step.negated:
        return False
    if step.match in ("rstring", "rbinary"):
        return compile_regex(step.pattern).search("") is not None
    return step.match == "rstatus" and all(compile_regex(step.pattern).search(str(code)) for code in ANY_STATUS)


def noticed_late(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        patience = proxy.timeouts.check
        for server in proxy.servers:
            check = server.check
            if check is None or not patience or not proxy.check_kind or patience <= check.inter:
                continue
            seconds = patience * check.fall / 1000
            text = (
                f"'timeout check' of '{proxy.name}' is longer than 'inter' of server '{server.name}': one that accepts "
                f"and says nothing is noticed after {seconds:g} s"
            )
            yield Hit(server.where, text, "check")


register(
    Lint("LB901", "check-words-without-check", Level.WARNING, "A server has words about checks, and is not checked.",
         "Add 'check', or take the words away.", options_without_check),
    Lint("LB902", "check-option-without-check", Level.WARNING, "A backend says how to check, and no server is checked.",
         "Add 'check' to the servers: without it they count as working for ever.", option_without_check),
    Lint("LB903", "check-never-fails", Level.WARNING, "What a check expects is met by any answer.",
         "Name what a working server says: 'http-check expect status 200'.", never_fails),
    Lint("LB904", "check-slower-than-inter", Level.NOTE, "A silent server is noticed later than 'inter' suggests.",
         "Make 'timeout check' shorter than 'inter'.", noticed_late),
)  # fmt: skip
