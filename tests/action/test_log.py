"""Actions on logs."""

from __future__ import annotations

import pytest

from lbcore.log.settings import LogProfile
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.words import ParseError
from lbcore.stream import logs
from lbcore.stream.rules import Ruleset
from lbcore.stream.txn import Txn
from tests.action.rules import parse, run
from tests.fetch.transactions import accepted, request, respond


@pytest.mark.parametrize(("name", "level"), [("emerg", 0), ("err", 3), ("debug", 7), ("silent", -1)])
def test_the_level_is_remembered_until_the_line_is_written(name: str, level: int) -> None:
    t = request()
    run(t, f"set-log-level {name}")
    assert (t.log_level, t.kept) == (level, True)


@pytest.mark.parametrize("text", ["set-log-level", "set-log-level foo"])
def test_an_unknown_level_is_told(text: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert str(error.value) == "expects exactly 1 argument (log level name or 'silent')"


def test_do_log_writes_at_once_and_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[Txn, str, str | None]] = []
    monkeypatch.setattr(logs, "log_now", lambda t, origin, profile: written.append((t, origin, profile)))
    opened, t = accepted(), respond(request())
    run(opened, "do-log", ruleset=Ruleset.TCP_CONNECTION)
    run(t, "do-log profile p", ruleset=Ruleset.HTTP_RESPONSE)
    assert written == [(opened, "tcp-req-conn", None), (t, "http-res", "p")]


def test_do_log_does_nothing_where_there_are_no_logs() -> None:
    assert run(request(), "do-log") is None


def test_a_profile_that_there_is_not_is_told() -> None:
    spec, settings = parse("do-log profile p"), Settings()
    assert spec.check(ProxySettings("x", "frontend"), settings) == (
        "unable to find log-profile 'p' referenced by do-log rule."
    )
    settings.log_profiles["p"] = LogProfile("p")
    assert spec.check(ProxySettings("x", "frontend"), settings) is None
