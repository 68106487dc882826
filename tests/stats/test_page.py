"""The statistics page of a running balancer: who sees it, what they get, what their forms do."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPConnection
from typing import NamedTuple

import pytest

import lbcore
from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import Admin, Op
from lbcore.proxy.server import Server
from tests.embedded import PATIENCE, balancer, until
from tests.peers.sinks import UdpSink

CONFIG = """
global
    nbthread 2
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 1s
frontend fe
    bind 127.0.0.1:0
    {front}
    default_backend be
backend be
    {back}
    server s1 127.0.0.1:9 weight 3
    server s2 127.0.0.1:9
    server down 127.0.0.1:9 disabled
backend other
    server o1 127.0.0.1:9
"""


class Answer(NamedTuple):
    status: int
    fields: Message
    body: bytes


def running(*front: str, back: tuple[str, ...] = ()) -> str:
    return CONFIG.format(front="\n    ".join(front), back="\n    ".join(back))


def ask(lb: lbcore.LoadBalancer, target: str, method: str = "GET", body: str | None = None, **fields: str) -> Answer:
    where = lb.address("fe")
    connection = HTTPConnection(where.host, where.port, timeout=PATIENCE)
    try:
        given = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, target, body, given)
        answer = connection.getresponse()
        return Answer(answer.status, answer.msg, answer.read())
    finally:
        connection.close()


def server(lb: lbcore.LoadBalancer, name: str = "be/s1") -> Server:
    return lb.states.find(name)


def credentials(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def admin() -> Iterator[lbcore.LoadBalancer]:
    """A balancer whose page at /stats anybody may change."""
    with balancer(running("stats uri /stats", "stats admin if TRUE")) as lb:
        yield lb


# --- who sees it ---


def test_the_page_is_at_its_uri_and_nothing_else_is() -> None:
    with balancer(running("stats uri /stats")) as lb:
        assert ask(lb, "/stats").status == 200
        assert ask(lb, "/stats/and;more").status == 200
        assert ask(lb, "/stat").status == 503
        assert ask(lb, "/stats", "PUT").status == 503


def test_the_default_uri_has_a_query() -> None:
    with balancer(running("stats enable")) as lb:
        assert ask(lb, "/haproxy?stats").status == 200
        assert ask(lb, "/haproxy?stats;csv").body.startswith(b"# pxname,")
        assert ask(lb, "/haproxy").status == 503


def test_http_request_rules_come_first_and_redirects_last() -> None:
    rules = "http-request deny if { path_end no }", "redirect location /elsewhere if { path_beg /s }"
    with balancer(running(*rules, "stats uri /stats")) as lb:
        assert ask(lb, "/stats").status == 200
        assert ask(lb, "/stats/no").status == 403
        assert ask(lb, "/s").status == 302


def test_a_backend_may_have_a_page() -> None:
    with balancer(running(back=("stats uri /b",))) as lb:
        assert ask(lb, "/b;csv").status == 200
        assert ask(lb, "/").status == 503


def test_a_backend_s_page_may_stand_beside_rules_that_wait() -> None:
    waits = "http-request wait-for-body time 1s"
    with balancer(running(waits, back=("stats uri /b",))) as lb:
        assert ask(lb, "/b").status == 200


def test_rules_of_the_page_decide_who_sees_it() -> None:
    rules = "stats http-request deny if { hdr(x) no }", "stats http-request auth realm R if { hdr(x) who }"
    with balancer(running("stats uri /stats", *rules)) as lb:
        assert ask(lb, "/stats").status == 200
        assert ask(lb, "/stats", x="no").status == 403
        found = ask(lb, "/stats", x="who")
        assert (found.status, found.fields["www-authenticate"]) == (401, 'Basic realm="R"')


def test_accounts_are_asked_for() -> None:
    with balancer(running("stats uri /stats", 'stats realm My\\ \\"Realm', "stats auth ann:se:cret")) as lb:
        found = ask(lb, "/stats")
        assert (found.status, found.fields["www-authenticate"]) == (401, 'Basic realm="My \\"Realm"')
        assert ask(lb, "/stats", authorization=credentials("ann:wrong")).status == 401
        assert ask(lb, "/stats", authorization=credentials("bob:se:cret")).status == 401
        assert ask(lb, "/stats", authorization=credentials("ann:se:cret")).status == 200
        assert ask(lb, "/stats;asset=page.js").status == 401


def test_requests_for_the_page_are_counted_and_logged() -> None:
    with UdpSink() as sink:
        log = f"log 127.0.0.1:{sink.port} format raw local0", "option httplog"
        with balancer(running("stats uri /stats", *log)) as lb:
            ask(lb, "/stats;csv")
            front = next(proxy.frontend for proxy in lb.proxies if proxy.name == "fe")
            assert front is not None
            assert front.counters.intercepted_req == 1
            assert until(lambda: any(b"/stats;csv" in line for line in sink.lines()))
            line = next(line for line in sink.lines() if b"/stats;csv" in line)
            assert b" fe fe/<STATS> 0/0/0/0/" in line
            assert b" 200 " in line
            assert b" LR-- " in line


# --- what they get ---


def test_only_proxies_in_scope_are_shown() -> None:
    with balancer(running("stats uri /stats", "stats scope .", "stats scope other")) as lb:
        assert names(ask(lb, "/stats;csv").body) == ["fe", "other"]
        assert names(ask(lb, "/stats;csv?scope=OTH").body) == ["other"]
        assert names(ask(lb, "/stats;csv?scope=be").body) == []


def names(csv: bytes) -> list[str]:
    found = (line.split(",")[0] for line in csv.decode().splitlines()[1:])
    return list(dict.fromkeys(found))


def test_servers_that_are_down_can_be_left_out(admin: lbcore.LoadBalancer) -> None:
    assert b"be,down," in ask(admin, "/stats;csv").body
    assert b"be,down," not in ask(admin, "/stats;csv;up").body
    assert b"be,down," not in ask(admin, "/stats;csv;no-maint").body


def test_addresses_are_told_only_with_legends() -> None:
    for lines, told in (((), False), (("stats show-legends",), True)):
        with balancer(running("stats uri /stats", *lines)) as lb:
            assert (b"127.0.0.1:9" in ask(lb, "/stats;csv").body) is told


def test_all_forms_of_the_figures_are_of_their_types(admin: lbcore.LoadBalancer) -> None:
    rows = len(ask(admin, "/stats;csv").body.splitlines()) - 1
    assert len(json.loads(ask(admin, "/stats;json").body)) == rows
    assert len(json.loads(ask(admin, "/stats;live").body)["rows"]) == rows
    assert len(json.loads(ask(admin, "/stats;json-schema").body)["oneOf"]) == 2
    assert ask(admin, "/stats;typed").body.startswith(b"F.1.0.0.pxname.1:KNS:str:fe\n")


def test_the_page_refers_only_to_itself_and_says_so(admin: lbcore.LoadBalancer) -> None:
    found = ask(admin, "/stats")
    assert "default-src 'none'" in found.fields["content-security-policy"]
    assert found.fields["cache-control"] == "no-cache"
    assert b"http://" not in found.body
    assert b"https://" not in found.body


def test_files_of_the_page_may_be_kept_for_good(admin: lbcore.LoadBalancer) -> None:
    page = ask(admin, "/stats").body.decode()
    for name in ("page.css", "page.js", "uplot.css", "uplot.js"):
        url = page.partition(f'"/stats;asset={name}')[2].partition('"')[0]
        found = ask(admin, f"/stats;asset={name}{url}")
        assert found.status == 200
        assert "immutable" in found.fields["cache-control"]
    assert ask(admin, "/stats;asset=nothing").status == 404
    assert ask(admin, "/stats;asset=..%2fpage.py").status == 404


def test_a_head_request_gets_no_body(admin: lbcore.LoadBalancer) -> None:
    found = ask(admin, "/stats", "HEAD")
    assert (found.status, found.body) == (200, b"")


# --- what their forms do ---


def post(lb: lbcore.LoadBalancer, body: str, target: str = "/stats", **fields: str) -> str:
    """What became of a form: the end of where it leads."""
    found = ask(lb, target, "POST", body, content_type="application/x-www-form-urlencoded", **fields)
    assert found.status == 303
    return str(found.fields["location"])


def test_a_form_leads_back_to_the_same_look(admin: lbcore.LoadBalancer) -> None:
    body = "s=s1&action=drain&b=be"
    assert post(admin, body, "/stats;up;norefresh?scope=b") == "/stats;st=DONE;up;norefresh?scope=b"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("s=s1&action=drain&b=be", "DONE"),
        ("s=s1&s=s2&action=drain&b=%232", "DONE"),
        ("b=be&action=drain&s=s1", "DONE"),
        ("s=s1&s=nobody&action=drain&b=be", "PART"),
        ("s=nobody&action=drain&b=be", "ERRP"),
        ("s=s1&action=drain&b=nobody", "ERRP"),
        ("s=s1&action=drain&b=%2399", "ERRP"),
        ("s=s1&action=drain&b=fe", "ERRP"),
        ("s=s1&action=&b=be", "ERRP"),
        ("s=s1&action=explode&b=be", "ERRP"),
        ("action=drain&b=be", "NONE"),
        ("s=s1&action=dhlth&b=be", "NONE"),
        ("s=s1&action=eagent&b=be", "NONE"),
        ("s=s1&action=arunn&b=be", "NONE"),
        ("s=down&action=disable&b=be", "NONE"),
        ("s=s1&action=start&b=be", "NONE"),
        ("", "NONE"),
        ("s=" + "x" * 20_000, "EXCD"),
    ],
)
def test_the_outcome_of_a_form(admin: lbcore.LoadBalancer, body: str, outcome: str) -> None:
    assert post(admin, body) == f"/stats;st={outcome}"


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (Admin(0), "drain", Admin.FDRAIN),
        (Admin.FMAINT, "drain", Admin.FDRAIN),
        (Admin(0), "maint", Admin.FMAINT),
        (Admin.FDRAIN, "maint", Admin.FMAINT),
        (Admin.FDRAIN, "ready", Admin(0)),
        (Admin.FMAINT, "ready", Admin(0)),
        (Admin(0), "disable", Admin.FMAINT),
        (Admin.FMAINT, "enable", Admin(0)),
        (Admin(0), "stop", Admin.FDRAIN),
        (Admin.FDRAIN, "start", Admin(0)),
    ],
)
def test_actions_set_and_clear_flags(admin: lbcore.LoadBalancer, before: Admin, action: str, after: Admin) -> None:
    admin.states.admin(server(admin), on=before)
    assert post(admin, f"s=s1&action={action}&b=be") == "/stats;st=DONE"
    assert server(admin).admin == after
    assert server(admin, "be/s2").admin == Admin(0)


@pytest.mark.parametrize(("action", "op"), [("hdown", Op.STOPPED), ("hnolb", Op.STOPPING), ("hrunn", Op.RUNNING)])
def test_actions_force_health(admin: lbcore.LoadBalancer, action: str, op: Op) -> None:
    assert post(admin, f"s=s1&action={action}&b=be") == "/stats;st=DONE"
    assert server(admin).op is op


def test_actions_switch_checks() -> None:
    with balancer(running("stats uri /stats", "stats admin if TRUE")) as lb:
        found = server(lb)
        found.check, found.agent = CheckState(), CheckState(agent=True)
        assert post(lb, "s=s1&action=dhlth&b=be") == "/stats;st=DONE"
        assert not found.check.enabled
        assert post(lb, "s=s1&action=ehlth&b=be") == "/stats;st=DONE"
        assert found.check.enabled
        assert post(lb, "s=s1&action=adown&b=be") == "/stats;st=DONE"
        assert found.op is Op.STOPPED
        assert post(lb, "s=s1&action=arunn&b=be") == "/stats;st=DONE"
        assert found.op is Op.RUNNING
        assert post(lb, "s=s1&action=dagent&b=be") == "/stats;st=DONE"
        assert not found.agent.enabled
        assert post(lb, "s=s1&action=dagent&b=be") == "/stats;st=NONE"


def test_nothing_is_changed_without_stats_admin() -> None:
    with balancer(running("stats uri /stats", "stats admin if { hdr(x) yes }", "stats admin if { hdr(y) yes }")) as lb:
        assert post(lb, "s=s1&action=drain&b=be") == "/stats;st=DENY"
        assert server(lb).admin == Admin(0)
        assert post(lb, "s=s1&action=drain&b=be", y="yes") == "/stats;st=DONE"
        assert server(lb).admin == Admin.FDRAIN


def test_nothing_is_changed_out_of_scope() -> None:
    with balancer(running("stats uri /stats", "stats admin if TRUE", "stats scope other")) as lb:
        assert post(lb, "s=s1&action=drain&b=be") == "/stats;st=ERRP"
        assert server(lb).admin == Admin(0)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"sec_fetch_site": "cross-site"}, "DENY"),
        ({"sec_fetch_site": "same-site"}, "DENY"),
        ({"sec_fetch_site": "same-origin", "origin": "https://in.front"}, "DONE"),
        ({"origin": "http://evil.example"}, "DENY"),
        ({"origin": "null"}, "DENY"),
        ({"origin": "http://lb.example:8080", "host": "lb.example:8080"}, "DONE"),
    ],
)
def test_forms_of_other_sites_do_nothing(admin: lbcore.LoadBalancer, fields: dict[str, str], outcome: str) -> None:
    assert post(admin, "s=s1&action=drain&b=be", **fields) == f"/stats;st={outcome}"


def test_a_form_may_come_late_and_in_pieces(admin: lbcore.LoadBalancer) -> None:
    where = admin.address("fe")
    connection = HTTPConnection(where.host, where.port, timeout=PATIENCE)
    connection.request("POST", "/stats", iter([b"s=s1&act", b"ion=drain&b", b"=be"]), {"Expect": "100-continue"})
    assert connection.getresponse().getheader("location") == "/stats;st=DONE"
    connection.close()


def test_a_form_that_never_comes_gets_408() -> None:
    with balancer(running("stats uri /stats", "stats admin if TRUE", "timeout http-request 100ms")) as lb:
        where = lb.address("fe")
        connection = HTTPConnection(where.host, where.port, timeout=PATIENCE)
        connection.putrequest("POST", "/stats")
        connection.putheader("content-length", "100")
        connection.endheaders(b"s=s1")
        assert connection.getresponse().status == 408
        connection.close()
