"""What is told of each rule: where it stands, what it asked, what it changed, what it came to."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.explain.request import RequestError
from lbcore.explain.trace import Change
from lbcore.sample.types import Addr
from tests.explain.explaining import config, explain, step

URL = "GET http://localhost:8080/a/b?x=1"
TCP = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend in
    bind 127.0.0.1:9000
    tcp-request inspect-delay 5s
    tcp-request connection reject if { src 10.0.0.0/8 }
    tcp-request content reject if { req.payload(0,3) -m str SSH }
    tcp-request content accept if { req.len gt 3 }
    default_backend out
backend out
    server s1 127.0.0.1:9001
"""


def test_rules_are_told_in_their_order_with_their_lines(tmp_path: Path) -> None:
    front = "http-request set-header a 1\ntcp-request content accept if { path /no }\nuse_backend app if { path /a/b }"
    text = config(front, back="http-request set-header b 2")
    found = explain(tmp_path, text, URL)
    assert [(one.where.rpartition(":")[2], one.ruleset) for one in found.steps] == [
        ("9", "tcp-request content"),
        ("8", "http-request"),
        ("10", "use_backend"),
        ("13", "http-request"),
    ]
    assert [one.proxy for one in found.steps] == ["web", "web", "web", "app"]


def test_an_acl_is_told_with_its_text_its_value_and_its_result(tmp_path: Path) -> None:
    front = "acl local src 127.0.0.0/8\nhttp-request deny if local { path_beg /b } or { path_beg -i /A } !local"
    one = step(explain(tmp_path, config(front), URL, "--src", "127.0.0.9"), "http-request deny")
    assert not one.held
    assert one.acls == [
        ("local", Addr.parse("127.0.0.9"), True),
        ("{ path_beg /b }", "/a/b", False),
        ("{ path_beg -i /A }", "/a/b", True),
        ("local", Addr.parse("127.0.0.9"), True),
    ]


def test_terms_behind_one_that_decides_are_not_asked(tmp_path: Path) -> None:
    one = step(explain(tmp_path, config("http-request deny if { path /x } { method GET }"), URL), "http-request deny")
    assert [text for text, _, _ in one.acls] == ["{ path /x }"]


def test_unless_turns_the_answer_round(tmp_path: Path) -> None:
    found = explain(tmp_path, config("http-request deny unless { path /x }"), URL)
    assert (step(found, "http-request deny").held, found.outcome, found.status) == (True, "reply", 403)


def test_what_is_rewritten_is_told_before_and_after(tmp_path: Path) -> None:
    front = """\
http-request set-path /new%[path]
http-request set-header x-a 2
http-request del-header x-b
http-request set-var(txn.v) str(w)
http-request set-method POST
"""
    found = explain(tmp_path, config(front), URL, "-H", "X-A: 1", "-H", "X-B: 0")
    assert [change for one in found.steps for change in one.changes] == [
        Change("target", "/a/b?x=1", "/new/a/b?x=1"),
        Change("request header x-a", '"1"', '"2"'),
        Change("request header x-b", '"0"', None),
        Change("var(txn.v)", None, '"w"'),
        Change("method", "GET", "POST"),
    ]


def test_a_rule_that_does_not_apply_changes_nothing(tmp_path: Path) -> None:
    found = explain(tmp_path, config("http-request set-header x-a 1 if { path /x }"), URL)
    assert step(found, "http-request set-header").changes == []
    assert "x-a" not in found.head


def test_rules_see_what_earlier_ones_did(tmp_path: Path) -> None:
    found = explain(tmp_path, config("http-request set-path /x\nhttp-request deny if { path /x }"), URL)
    assert step(found, "http-request deny").acls == [("{ path /x }", "/x", True)]


def test_a_backend_is_told_with_the_line_that_chose_it(tmp_path: Path) -> None:
    other = "backend other\n    server o1 127.0.0.1:9002\n"
    front = "use_backend %[urlp(to)] if { urlp(to) -m found }\nuse_backend other if { path /a/b }"
    place = str(tmp_path / "lb.cfg")
    chosen = explain(tmp_path, config(front, more=other), URL)
    assert (chosen.backend, chosen.backend_by) == ("other", f"use_backend, {place}:9")
    named = explain(tmp_path, config(front, more=other), "GET http://localhost:8080/?to=app")
    assert (named.backend, named.backend_by) == ("app", f"use_backend, {place}:8")
    assert step(named, "use_backend").name == "app"
    default = explain(tmp_path, config(front, more=other), "GET http://localhost:8080/?to=none")
    assert (default.backend, default.backend_by) == ("app", f"default_backend, {place}:10")


def test_without_a_backend_the_answer_is_503(tmp_path: Path) -> None:
    text = config().replace("    default_backend app\n", "")
    found = explain(tmp_path, text, URL)
    assert (found.outcome, found.status, found.backend) == ("reply", 503, None)
    assert found.body.startswith("<html><body><h1>503 Service Unavailable</h1>")


def test_the_page_for_503_goes_through_http_after_response(tmp_path: Path) -> None:
    text = config("http-after-response set-header x 1").replace("    default_backend app\n", "")
    assert "x: 1\r\n" in explain(tmp_path, text, URL).head


def test_servers_are_told_with_what_speaks_against_them(tmp_path: Path) -> None:
    back = """\
use-server s4 if { path /a/b }
server s2 127.0.0.1:9002 disabled
server s3 127.0.0.1:9003 backup
server s4 127.0.0.1:9004 weight 7
server s5 127.0.0.1:9005 weight 0
"""
    found = explain(tmp_path, config(back=back), URL)
    told = {one.name: (one.state, one.weight, one.eligible, one.chosen) for one in found.servers}
    assert told == {
        "s2": ("MAINT", 1, False, False),
        "s3": ("UP", 1, False, False),
        "s4": ("UP", 7, True, True),
        "s5": ("UP", 0, False, False),
        "s1": ("UP", 1, True, False),
    }
    assert {one.name: one.why for one in found.servers if one.why} == {
        "s2": "disabled",
        "s3": "a backup: others work",
        "s5": "weight 0: for its own clients only",
    }


def test_backups_count_when_nobody_else_works(tmp_path: Path) -> None:
    text = config(back="server b1 127.0.0.1:9002 backup\nserver b2 127.0.0.1:9003 backup")
    found = explain(tmp_path, text.replace("127.0.0.1:9001", "127.0.0.1:9001 disabled"), URL)
    assert {one.name: one.eligible for one in found.servers} == {"b1": True, "b2": False, "s1": False}


def test_a_body_comes_with_its_head(tmp_path: Path) -> None:
    found = explain(
        tmp_path, config("http-request deny if { req.body_len gt 4 }"), URL.replace("GET", "POST"), "--data", "hello"
    )
    assert (found.waits, found.outcome) == ([], "reply")
    assert step(found, "http-request deny").acls == [("{ req.body_len gt 4 }", 5, True)]


def test_a_body_is_there_when_a_rule_waits_for_it(tmp_path: Path) -> None:
    front = "http-request wait-for-body time 1s\nhttp-request deny if { req.body -m str hello }"
    found = explain(tmp_path, config(front), URL.replace("GET", "POST"), "--data", "hello")
    assert found.waits == ["the body of the request, 1000 ms at most"]
    assert step(found, "http-request deny").acls == [("{ req.body -m str hello }", b"hello", True)]
    without = explain(tmp_path, config(front), URL.replace("GET", "POST"))
    assert (without.waits, without.outcome) == ([], "forward")


def test_a_body_that_was_waited_for_stays(tmp_path: Path) -> None:
    front = "http-request wait-for-body time 1s\nhttp-request pause 1s\nhttp-request set-header x %[req.body]"
    found = explain(tmp_path, config(front), URL.replace("GET", "POST"), "--data", "hello")
    assert "x: hello\r\n" in found.head


def test_a_section_with_both_sides_meets_its_rules_once(tmp_path: Path) -> None:
    text = config().partition("frontend")[0] + (
        "listen both\n    bind 127.0.0.1:8080\n    http-request set-header x 1\n    server s1 127.0.0.1:9001\n"
    )
    found = explain(tmp_path, text, URL)
    assert [one.text for one in found.steps] == ["http-request set-header x 1"]
    assert (found.backend, found.backend_by) == ("both", f"its own servers, {tmp_path / 'lb.cfg'}:6")


def test_rules_of_defaults_are_told_with_their_own_lines(tmp_path: Path) -> None:
    shared = "defaults shared\n    mode http\n    timeout client 5s\n    http-request set-header x 1\n"
    found = explain(tmp_path, shared + config().replace("frontend web", "frontend web from shared"), URL)
    assert [one.where.rpartition(":")[2] for one in found.steps] == ["4"]


def test_a_pause_does_not_take_time(tmp_path: Path) -> None:
    found = explain(tmp_path, config("http-request pause 1h\nhttp-request set-header a 1"), URL)
    assert found.waits == ["a pause of 3600000 ms"]
    assert step(found, "http-request set-header").held


def test_a_reply_goes_through_http_after_response(tmp_path: Path) -> None:
    front = "http-request return status 204\nhttp-after-response set-header x-after 1"
    found = explain(tmp_path, config(front), URL)
    assert (found.outcome, found.status) == ("reply", 204)
    assert "x-after: 1\r\n" in found.head
    assert step(found, "http-after-response").changes == [Change("response header x-after", None, '"1"')]


def test_rules_of_responses_are_named_for_later(tmp_path: Path) -> None:
    front = "http-response set-header x 1\nhttp-after-response set-header y 1"
    found = explain(tmp_path, config(front, back="http-response set-header z 1"), URL)
    assert [line.split(": ")[1] for line in found.later] == [
        "http-response set-header z 1",
        "http-response set-header x 1",
        "http-after-response set-header y 1",
    ]


def test_rules_of_responses_are_met_by_a_reply_that_is_given(tmp_path: Path) -> None:
    front = "http-response deny if { res.hdr(x-secret) -m found }\nhttp-after-response set-header y %[status]"
    back = "http-response set-header z 1\nhttp-response wait-for-body time 1s\nhttp-response set-header b %[res.body]"
    text = config(front, back)
    found = explain(tmp_path, text, URL, "--reply", "404", "-R", "X-A: 1", "--reply-data", "gone")
    assert found.later == []
    assert found.waits == ["the body of the response, 1000 ms at most"]
    assert [one.proxy for one in found.steps] == ["app", "app", "app", "web", "web"]
    assert found.response is not None
    assert (found.response.outcome, found.response.status, found.response.body) == ("forward", 404, "gone")
    assert found.response.head.startswith("HTTP/1.1 404 Not Found\r\nx-a: 1\r\n")
    assert found.response.head.endswith("z: 1\r\nb: gone\r\ny: 404\r\n\r\n")
    denied = explain(tmp_path, text, URL, "--reply", "200", "-R", "X-Secret: 1").response
    assert denied is not None
    assert (denied.outcome, denied.status) == ("reply", 502)
    assert "y: 502\r\n" in denied.head


def test_variables_of_the_request_are_there_for_the_response(tmp_path: Path) -> None:
    front = "http-request set-var(txn.p) path\nhttp-response set-header p %[var(txn.p)]"
    found = explain(tmp_path, config(front), URL, "--reply", "200").response
    assert found is not None
    assert "p: /a/b\r\n" in found.head


@pytest.mark.parametrize("status", ["100", "600", "abc", ""])
def test_a_reply_has_a_final_status(status: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is no final status"):
        explain(tmp_path, config(), URL, "--reply", status)


def test_an_address_that_only_a_connection_can_take_is_said_to_stay(tmp_path: Path) -> None:
    one = step(
        explain(tmp_path, config("http-request set-src hdr(x)"), URL, "-H", "x: 9.9.9.9"), "http-request set-src"
    )
    assert one.changes or one.note


def test_a_broken_request_is_refused_before_any_rule(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="answered with 400 before any rule"):
        explain(tmp_path, config(), "GET /a HTTP/1.1", "--frontend", "web")


def test_what_no_rule_changed_is_told_apart(tmp_path: Path) -> None:
    text = config("option forwardfor\nhttp-request set-header x 1")
    found = explain(tmp_path, text, URL, "-H", "Keep-Alive: 5")
    assert found.by_options == [
        Change("request header keep-alive", '"5"', None),
        Change("request header x-forwarded-for", None, '"192.0.2.1"'),
    ]
    assert explain(tmp_path, config(), URL).by_options == []


def test_a_cookie_chooses_its_server_and_is_hidden(tmp_path: Path) -> None:
    back = "cookie SRV insert indirect nocache\nserver s2 127.0.0.1:9002 cookie two"
    found = explain(tmp_path, config(back=back), URL, "-H", "Cookie: SRV=two")
    assert [(one.name, one.cookie) for one in found.servers if one.chosen] == [("s2", "two")]
    assert found.by_options == [Change("request header cookie", '"SRV=two"', None)]


def test_monitor_uri_answers_by_its_conditions(tmp_path: Path) -> None:
    front = "monitor-uri /alive\nmonitor fail if { hdr(x-dead) -m found }"
    alive = explain(tmp_path, config(front), "GET http://a/alive")
    assert (alive.status, step(alive, "monitor fail").held) == (200, False)
    dead = explain(tmp_path, config(front), "GET http://a/alive", "-H", "x-dead: 1")
    assert (dead.status, step(dead, "monitor fail").held) == (503, True)


def test_bytes_of_mode_tcp_meet_their_rules(tmp_path: Path) -> None:
    found = explain(tmp_path, TCP, "--data", "SSH-2.0", "--dst", "127.0.0.1:9000")
    assert found.outcome == "close"
    assert [one.ruleset for one in found.steps] == ["tcp-request connection", "tcp-request content"]
    assert found.steps[-1].acls == [("{ req.payload(0,3) -m str SSH }", b"SSH", True)]


def test_a_connection_may_end_before_it_said_anything(tmp_path: Path) -> None:
    found = explain(tmp_path, TCP, "--data", "SSH-2.0", "--dst", "127.0.0.1:9000", "--src", "10.1.2.3")
    assert [one.ruleset for one in found.steps] == ["tcp-request connection"]
    assert found.outcome in ("close", "reset")


def test_bytes_that_no_rule_minds_go_to_the_default(tmp_path: Path) -> None:
    found = explain(tmp_path, TCP, "--data", "hello", "--frontend", "in")
    assert (found.outcome, found.backend, found.head) == ("forward", "out", "")
    assert step(found, "tcp-request content accept").result


def test_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        import socket

        def refuse(*_: object) -> None:
            raise AssertionError("a socket is opened")

        patch.setattr(socket, "socket", refuse)
        text = config("log 127.0.0.1:514 local0\noption httplog\nhttp-request do-log")
        assert explain(tmp_path, text, URL).outcome == "forward"
