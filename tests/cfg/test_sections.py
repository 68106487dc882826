"""Sections: inheritance from defaults, names, sections that are refused, lists of users."""

from __future__ import annotations

from lbcore.base.diag import Diagnostics, Severity
from lbcore.cfg.context import LoadOptions
from lbcore.cfg.loader import load
from lbcore.cfg.sections import NOT_YET, SECTIONS
from lbcore.proxy.settings import Settings


def read(text: str) -> tuple[Settings, Diagnostics]:
    return load([("lb.cfg", text)], env={})


def settings_of(text: str) -> Settings:
    settings, diagnostics = read(text)
    assert diagnostics.errors == 0, [m.text for m in diagnostics.messages]
    return settings


def alerts(text: str) -> list[str]:
    return [m.text for m in read(text)[1].messages if m.severity is Severity.ALERT]


def test_knows_every_section_of_haproxy() -> None:
    done = {"backend", "defaults", "frontend", "global", "http-errors", "listen", "log-profile", "peers", "userlist"}
    assert set(SECTIONS) == done | set(NOT_YET)


def test_a_proxy_starts_from_the_last_defaults_above_it() -> None:
    text = "backend a\ndefaults\n mode http\n retries 5\nbackend b\ndefaults\n retries 6\nbackend c\n mode http\n"
    a, b, c = settings_of(text).proxies
    assert (a.mode, a.retries) == ("tcp", 3)
    assert (b.mode, b.retries) == ("http", 5)
    assert (c.mode, c.retries) == ("http", 6)


def test_from_chooses_a_named_defaults_section() -> None:
    defaults = "defaults x\n retries 5\ndefaults y from x\n mode http\ndefaults\n"
    text = defaults + "backend a from y\nbackend b from x\nbackend c\n"
    a, b, c = settings_of(text).proxies
    assert (a.mode, a.retries) == ("http", 5)
    assert (b.mode, b.retries) == ("tcp", 5)
    assert (c.mode, c.retries) == ("tcp", 3)


def test_what_a_proxy_changes_is_its_own() -> None:
    text = (
        "defaults\n timeout server 1s\n option nolinger\n log 127.0.0.1 local0\n srvtcpka-cnt 3\n"
        " default-server weight 9\n"
        "backend a\n timeout server 2s\n option abortonclose\n no log\n srvtcpka-cnt 4\n default-server weight 8\n"
        " server s 127.0.0.1:1\n timeout connect 1s\n"
        "backend b\n server s 127.0.0.1:1\n timeout connect 1s\n"
    )
    a, b = settings_of(text).proxies
    assert (a.timeouts.server, b.timeouts.server) == (2000, 1000)
    assert (a.options, b.options) == ({"nolinger", "abortonclose"}, {"nolinger"})
    assert (len(a.log_targets), len(b.log_targets)) == (0, 1)
    assert (a.server_probes.count, b.server_probes.count) == (4, 3)
    assert (a.servers[0].weight, b.servers[0].weight) == (8, 9)


def test_a_proxy_inherits_what_its_side_can_use() -> None:
    text = (
        "defaults\n option dontlognull\n option abortonclose\n option nolinger\n maxconn 5\n default_backend b\n"
        " timeout client 1s\nfrontend f\n bind :80\nbackend b\nlisten l\n bind :81\n"
    )
    f, b, both = settings_of(text).proxies
    assert f.options == {"dontlognull", "nolinger"}
    assert (f.maxconn, f.default_backend) == (5, "b")
    assert b.options == {"abortonclose", "nolinger"}
    assert (b.maxconn, b.default_backend) == (0, None)
    assert both.options == {"dontlognull", "abortonclose", "nolinger"}


def test_several_global_sections_add_up() -> None:
    found = settings_of("global\n nbthread 2\nbackend b\nglobal\n maxconn 5\n").globals
    assert (found.nbthread, found.maxconn) == (2, 5)


def test_a_global_section_after_a_proxy_is_worth_a_diagnostic() -> None:
    text = "backend b\nglobal\n nbthread 2\n"
    _settings, diagnostics = load([("lb.cfg", text)], env={}, options=LoadOptions(diag=True))
    assert [(m.severity, m.line) for m in diagnostics.messages] == [(Severity.DIAG, 2)]


def test_all_errors_of_a_section_with_a_bad_name_are_shown() -> None:
    assert len(alerts("frontend a$\n foo\n bind :80 bar\n")) == 3


def test_a_frontend_and_a_backend_may_share_a_name() -> None:
    assert len(settings_of("frontend a\n bind :80\n timeout client 1s\nbackend a\n").proxies) == 2


def test_a_section_of_haproxys_is_refused_once_and_passed_over() -> None:
    for name in NOT_YET:
        found = alerts(f"{name} x\n foo bar\n baz\nbackend b\n")
        assert len(found) == 1
        assert f"the '{name}' keyword is HAProxy's but is not supported by lbcore" in found[0]


def test_reads_lists_of_users() -> None:
    text = (
        "userlist u\n group admins users anna\n group ops\n user anna password $5$salt$hash\n"
        " user bert insecure-password secret groups ops,admins\n user carl\n"
    )
    found = settings_of(text).userlists["u"]
    anna, bert, carl = (found.users[name] for name in ("anna", "bert", "carl"))
    assert found.groups == {"admins", "ops"}
    assert (anna.password, anna.insecure, anna.groups) == ("$5$salt$hash", False, {"admins"})
    assert (bert.password, bert.insecure, bert.groups) == ("secret", True, {"ops", "admins"})
    assert (carl.password, carl.groups) == (None, set())


def test_a_duplicated_list_of_users_is_ignored_with_a_warning() -> None:
    settings, diagnostics = read("userlist u\n user a\nuserlist u\n user b\n")
    assert list(settings.userlists["u"].users) == ["a"]
    assert (diagnostics.warnings, diagnostics.errors) == (1, 0)
