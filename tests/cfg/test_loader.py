"""The way from sources to settings: order of sections and files, variables, limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.cfg.context import Context, LoadOptions
from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.loader import define, load, load_into
from lbcore.cfg.source import Source
from lbcore.cfg.words import Line
from lbcore.proxy.settings import Settings

LISTEN = """listen one
    mode http
    bind 127.0.0.1:8080
    timeout client 5s
    timeout connect 5s
    timeout server 5s
"""


class Recorder:
    """Writes down what a section parser is told. A line `wrong` is reported."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def open(self, ctx: Context, line: Line) -> None:
        self.calls.append(f"open {ctx.section} {ctx.section_name}".rstrip())

    def line(self, ctx: Context, line: Line) -> None:
        self.calls.append(" ".join(line.texts()))
        if line.text(0) == "wrong":
            ctx.reporter.alert(line, line.words[0], "it is wrong")
        if line.text(0) == "setenv":
            ctx.environment.setenv(line.text(1), line.text(2))

    def close(self, ctx: Context) -> None:
        self.calls.append(f"close {ctx.section}")


def record(*texts: str, options: LoadOptions | None = None) -> tuple[list[str], Context]:
    """What sections are told about files `1.cfg`, `2.cfg`, ..., and the context. `checked` is the final check."""
    ctx = Context(Settings(), Reporter(), Environment({"A": "1"}), DefaultPath(), options or LoadOptions())
    recorder = Recorder()
    sources = [Source(f"{number}.cfg", text) for number, text in enumerate(texts, 1)]
    define(ctx, sources, {})
    load_into(ctx, sources, {"global": recorder, "listen": recorder}, lambda ctx: recorder.calls.append("checked"))
    return recorder.calls, ctx


def test_settings_come_out() -> None:
    settings, diagnostics = load([("lb.cfg", f"global\n    nbthread 2\n{LISTEN}")])
    assert [message.text for message in diagnostics.messages] == []
    assert settings.globals.nbthread == 2
    assert [(proxy.name, proxy.kind, proxy.mode) for proxy in settings.proxies] == [("one", "listen", "http")]


def test_sections_are_opened_filled_and_closed() -> None:
    calls, _ = record("global\n    a b\nlisten one\n    c\n\n    d # e\n")
    assert calls == ["open global", "a b", "close global", "open listen one", "c", "d", "close listen", "checked"]


def test_a_section_may_be_empty_and_come_twice() -> None:
    calls, _ = record("global\nglobal\n")
    assert calls == ["open global", "close global", "open global", "close global", "checked"]


def test_the_end_of_a_file_ends_its_section() -> None:
    calls, ctx = record("global\n    a\n", "b\n")
    assert calls == ["open global", "a", "close global"]
    [message] = ctx.reporter.diagnostics.messages
    assert message.text == "config : parsing [2.cfg:1]: unknown keyword 'b' out of section."


def test_a_block_does_not_reach_into_the_next_file() -> None:
    calls, ctx = record(".if 0\n", "global\n    a\n")
    assert calls == ["open global", "a", "close global"]
    [message] = ctx.reporter.diagnostics.messages
    assert message.text == "config : parsing [1.cfg:1]: non-terminated '.if' block."


def test_an_alert_directive_ends_its_file_only() -> None:
    calls, _ = record("global\n.alert stop\n    a\n", "global\n    b\n")
    assert calls == ["open global", "close global", "open global", "b", "close global"]


def test_the_whole_is_checked_only_if_its_lines_are_right() -> None:
    assert record("global\n    wrong\n")[0][-1] == "close global"
    assert record("global\n.warning careful\n")[0][-1] == "checked"


def test_variables_change_for_the_lines_that_follow() -> None:
    calls, _ = record('global\n    a "$A"\n    setenv A 2\n    b "$A"\n', 'global\n    c "$A"\n')
    assert [call for call in calls if call[0] in "abc" and call[1] == " "] == ["a 1", "b 2", "c 2"]


def test_the_files_are_known_to_their_text() -> None:
    calls, _ = record('global\n    a "$HAPROXY_CFGFILES"\n', "")
    assert "a 1.cfg;2.cfg" in calls


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("HAPROXY_BRANCH", "3.2"),
        ("HAPROXY_STARTUP_VERSION", "3.2.0"),
        ("HAPROXY_TCP_LOG_FMT", "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"),
        (
            "HAPROXY_HTTP_LOG_FMT",
            (
                "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc "
                "%sq/%bq %hr %hs %{+Q}r"
            ),
        ),
        (
            "HAPROXY_HTTPS_LOG_FMT",
            (
                "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc "
                "%sq/%bq %hr %hs %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/"
                "%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"
            ),
        ),
        (
            "HAPROXY_HTTP_CLF_LOG_FMT",
            (
                '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc '
                "%ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl"
            ),
        ),
    ],
)
def test_variables_are_predefined(name: str, start: str) -> None:
    _, diagnostics = load([("lb.cfg", f'.notice "${name}"\n')], env={name: "inherited"})
    assert diagnostics.messages[0].text == f"config : parsing [lb.cfg:1]: '{start}'."


def test_the_program_s_variables_win() -> None:
    _, diagnostics = load([("lb.cfg", '.notice "$HAPROXY_LOCALPEER"\n')], predefined={"HAPROXY_LOCALPEER": "me"})
    assert diagnostics.messages[0].text == "config : parsing [lb.cfg:1]: 'me'."


def test_conditions_know_what_they_are_told() -> None:
    options = LoadOptions(features={"THREAD": True}, enabled={"EPOLL": True}, ssl_library="OpenSSL 3.0.17")
    condition = "feature(THREAD) && enabled(EPOLL) && openssl_version_atleast(3.0.0) && version_atleast(3.2)"
    calls, _ = record(f"global\n.if {condition}\n    a\n.endif\n", options=options)
    assert "a" in calls


def test_fifty_errors_are_enough() -> None:
    calls, ctx = record("global\n" + "    wrong\n" * 60, "global\n    wrong\n")
    texts = [message.text for message in ctx.reporter.diagnostics.messages]
    assert calls.count("wrong") == 51
    assert texts[50] == "config : parsing [1.cfg:52]: too many fatal errors (50), stopping now."
    assert texts[51] == "config : parsing [2.cfg:2] : it is wrong"


def test_the_number_of_errors_may_be_unlimited() -> None:
    calls, _ = record("global\n" + "    wrong\n" * 60, options=LoadOptions(max_errors=0))
    assert calls.count("wrong") == 60


def test_exactly_fifty_errors_at_the_end_are_just_told() -> None:
    _, ctx = record("global\n" + "    wrong\n" * 50)
    assert ctx.reporter.alerts == 50


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, diagnostics = load([str(tmp_path / "none.cfg")])
    [message] = diagnostics.messages
    assert (
        message.text
        == f"config : Cannot open configuration file/directory {tmp_path}/none.cfg : No such file or directory"
    )


def test_a_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "2.cfg").write_text(LISTEN)
    (tmp_path / "1.cfg").write_text("global\n    nbthread 3\n")
    settings, diagnostics = load([tmp_path])
    assert not diagnostics.errors
    assert (settings.globals.nbthread, len(settings.proxies)) == (3, 1)


def test_a_link_in_a_directory_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "1.cfg").write_text(LISTEN)
    (tmp_path / "2.cfg").symlink_to(tmp_path / "none")
    (tmp_path / "3.cfg").mkdir()
    _, diagnostics = load([tmp_path])
    [message] = diagnostics.messages
    assert message.text.endswith(f"file/directory {tmp_path}/2.cfg : No such file or directory")


def test_advice_is_given_with_dd_only() -> None:
    text = [("lb.cfg", ".diag abc\n")]
    assert load(text)[1].messages == []
    assert [message.severity.value for message in load(text, options=LoadOptions(diag=True))[1].messages] == ["DIAG"]


def test_loads_do_not_meet() -> None:
    first, _ = load([("lb.cfg", LISTEN)])
    second, _ = load([("lb.cfg", "global\n")])
    assert len(first.proxies) == 1
    assert second.proxies == []


def test_a_name_that_no_variable_can_have_is_told() -> None:
    _, diagnostics = load([("lb.cfg", "global\n    setenv A=B x\n")])
    [message] = diagnostics.messages
    assert message.text == "config : parsing [lb.cfg:2]: 'setenv' failed on variable 'A=B' : Invalid argument."
