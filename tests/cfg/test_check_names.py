"""Names in expressions are looked up when the whole configuration has been read, and missed in HAProxy's words."""

from __future__ import annotations

import pytest

from lbcore.base.diag import Diagnostics
from lbcore.cfg.loader import load

TOP = """\
defaults
 mode http
 timeout client 1s
 timeout server 1s
 timeout connect 1s
userlist people
 user a insecure-password b
"""
BACKEND = "backend be\n server s 127.0.0.1:1\n"
LINE = 11  # of the frontend's first own line


def errors(text: str) -> Diagnostics:
    return load([("lb.cfg", text)], env={})[1]


def of_line(line: str) -> list[str]:
    found = errors(f"{TOP}frontend fe\n bind 127.0.0.1:1\n default_backend be\n {line}\n{BACKEND}")
    return [message.text for message in found.messages]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("acl a nbsrv(x) gt 1", "unable to find backend 'x' referenced in arg 1 of ACL keyword 'nbsrv'"),
        ("acl a fe_conn(be) gt 1", "unable to find frontend 'be' referenced in arg 1 of ACL keyword 'fe_conn'"),
        ("acl a http_auth(x)", "unable to find userlist 'x' referenced in arg 1 of ACL keyword 'http_auth'"),
        ("acl a srv_conn(x/s) gt 1", "unable to find proxy 'x' referenced in arg 1 of ACL keyword 'srv_conn'"),
        (
            "acl a srv_conn(be/x) gt 1",
            "unable to find server 'x' in proxy 'be', referenced in arg 1 of ACL keyword 'srv_conn'",
        ),
        (
            "acl a srv_conn(x) gt 1",
            "unable to find server 'x' in proxy 'fe', referenced in arg 1 of ACL keyword 'srv_conn'",
        ),
        (
            "http-request set-header x %[nbsrv(x)]",
            "unable to find backend 'x' referenced in arg 1 of sample fetch keyword 'nbsrv' in http-request expression",
        ),
        (
            "http-request redirect location /%[nbsrv(x)]",
            "unable to find backend 'x' referenced in arg 1 of sample fetch keyword 'nbsrv' in redirect format string",
        ),
        (
            "tcp-request content set-var(txn.a) nbsrv(x)",
            (
                "unable to find backend 'x' referenced in arg 1 of sample fetch keyword 'nbsrv' "
                "in tcp-request content expression"
            ),
        ),
        (
            "use_backend %[srv_conn(x/s)]",
            "unable to find proxy 'x' referenced in arg 1 of sample fetch keyword 'srv_conn' in use_backend expression",
        ),
        (
            "unique-id-format %[nbsrv(x)]",
            "unable to find backend 'x' referenced in arg 1 of sample fetch keyword 'nbsrv' in unique-id-format string",
        ),
    ],
)
def test_a_name_that_means_nothing_is_an_error_at_its_line(line: str, complaint: str) -> None:
    assert of_line(line) == [f"config : parsing [lb.cfg:{LINE}]: {complaint} in proxy 'fe'."]


def test_a_frontend_is_no_backend() -> None:
    (message,) = of_line("acl a nbsrv gt 1")
    assert message == (
        f"config : parsing [lb.cfg:{LINE}]: proxy 'fe', referenced in arg 1 of ACL keyword 'nbsrv' in proxy 'fe', "
        "has not backend capability."
    )


@pytest.mark.parametrize(
    "line",
    [
        "acl a nbsrv(be) gt 1",
        "acl a fe_conn gt 1",
        "acl a http_auth(people)",
        "acl a srv_conn(be/s) gt 1",
        "http-request set-header x %[nbsrv(be)]",
    ],
)
def test_names_of_what_is_declared_anywhere_are_fine(line: str) -> None:
    assert of_line(line) == []


def test_each_error_stands_at_its_own_line() -> None:
    found = errors(
        f"{TOP}frontend fe\n bind 127.0.0.1:1\n default_backend be\n"
        f" acl a nbsrv(x) gt 1\n acl b nbsrv(y) gt 1\n{BACKEND} acl c srv_conn(z) gt 1\n"
    )
    assert [message.line for message in found.messages] == [11, 12, 15]


def test_names_of_a_disabled_proxy_are_nobodys_business() -> None:
    assert not errors(f"{TOP}{BACKEND}frontend fe\n bind 127.0.0.1:1\n disabled\n acl a nbsrv(x) gt 1\n").messages


def test_names_in_a_defaults_section_are_looked_up_once() -> None:
    found = errors(
        f"{TOP}defaults d\n mode http\n timeout client 1s\n http-request set-header x %[nbsrv(x)]\n"
        "frontend fe from d\n bind 127.0.0.1:1\n"
    )
    (message,) = found.messages
    assert message.text == (
        "config : parsing [lb.cfg:11]: unable to find backend 'x' referenced in arg 1 of sample fetch keyword 'nbsrv' "
        "in http-request expression in proxy 'd'."
    )
