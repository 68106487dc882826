"""Words on their way out (LB8xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Subject, tests_of

# What the manual calls deprecated, and what takes its place.
ACTIONS = {"set-mark": "set-fc-mark", "set-tos": "set-fc-tos"}
LISTS = ("http-request", "http-response", "tcp-request", "tcp-response")
FETCHES = {
    "cook": "req.cook", "cook_cnt": "req.cook_cnt", "cook_val": "req.cook_val", "cookie": "req.cook",
    "hdr_cnt": "req.hdr_cnt", "hdr_ip": "req.hdr_ip", "hdr_val": "req.hdr_val", "payload": "req.payload",
    "payload_lv": "req.payload_lv", "rdp_cookie": "req.rdp_cookie", "rdp_cookie_cnt": "req.rdp_cookie_cnt",
    "rep_ssl_hello_type": "res.ssl_hello_type", "req_len": "req.len", "req_proto_http": "req.proto_http",
    "req_ssl_hello_type": "req.ssl_hello_type", "req_ssl_sni": "req.ssl_sni", "req_ssl_ver": "req.ssl_ver",
    "req_ver": "req.ver", "resp_ver": "res.ver", "scook": "res.cook", "scook_cnt": "res.cook_cnt",
    "scook_val": "res.cook_val", "set-cookie": "res.cook", "shdr": "res.hdr", "shdr_cnt": "res.hdr_cnt",
    "shdr_ip": "res.hdr_ip", "shdr_val": "res.hdr_val",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9_.-]+")


def actions(subject: Subject) -> Iterator[Hit]:
    for section in subject.sections:
        for line in section.lines:
            texts = line.texts()
            action = next((text for text in texts[1:3] if text in ACTIONS), None) if texts[0] in LISTS else None
            if action is not None:
                yield Hit(line, f"'{action}' is deprecated, use '{ACTIONS[action]}'", action)


def fetches(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for test in tests_of(proxy):
            found = _WORD.match(test.text)
            instead = FETCHES.get(found[0]) if found is not None else None
            if found is not None and instead is not None:
                yield Hit(test.where, f"'{found[0]}' is deprecated, use '{instead}'", found[0])


def redirect_lines(subject: Subject) -> Iterator[Hit]:
    for section, _ in subject.proxies:
        for line in section.find("redirect"):
            yield Hit(line, "a 'redirect' line runs after all 'http-request' rules, wherever it stands")


register(
    Lint("LB801", "deprecated-action", Level.NOTE, "An action has a newer name.", "Use the newer name.", actions),
    Lint("LB802", "deprecated-fetch", Level.NOTE, "An ACL asks by a name that the manual calls deprecated.",
         "Use the name that took its place.", fetches),
    Lint("LB803", "redirect-line", Level.NOTE, "A redirection stands outside of the rules, and runs after them.",
         "Write 'http-request redirect' at the place where it is to happen.", redirect_lines),
)  # fmt: skip
