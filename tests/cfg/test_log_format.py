"""What lines about logs come to: formats, steps, profiles, ids."""

from __future__ import annotations

from lbcore.cfg.loader import load
from lbcore.log.settings import STEPS
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.format import Format
from lbcore.stream.rules import Ruleset

HEAD = "defaults\n mode http\n timeout client 1s\n log 127.0.0.1 local0\n"


def settings_of(text: str) -> Settings:
    settings, diagnostics = load([("lb.cfg", HEAD + text)], env={})
    assert [message.text for message in diagnostics.messages] == []
    return settings


def frontend(*lines: str, defaults: str = "") -> ProxySettings:
    text = "".join(f" {line}\n" for line in (defaults,) if line) + "frontend f\n bind :80\n"
    return settings_of(text + "".join(f" {line}\n" for line in lines)).proxies[0]


def test_a_format_is_read_once_its_mode_is_known() -> None:
    found = frontend('log-format "%ci  %[src]"').log_format
    assert isinstance(found, Format)
    assert list(found.aliases()) == ["ci"]
    assert found.style.merge


def test_all_formats_are_read() -> None:
    proxy = frontend("log-format-sd [%ci]", "error-log-format %cp", "unique-id-format %rt", "unique-id-header X-Id")
    texts = [proxy.log_format_sd.text, proxy.error_log_format.text, proxy.unique_id_format.text]
    assert texts == ["[%ci]", "%cp", "%rt"]
    assert proxy.unique_id_header == "X-Id"
    assert proxy.log_kind is None


def test_proxies_have_the_format_of_their_defaults() -> None:
    proxy = frontend(defaults="log-format %HM")
    assert proxy.log_kind == "format"
    assert proxy.log_format.text == "%HM"


def test_a_format_of_defaults_has_to_suit_each_proxy() -> None:
    text = HEAD + ' log-format "%HM"\nfrontend f\n bind :80\nfrontend g\n mode tcp\n bind :81\n'
    _, diagnostics = load([("lb.cfg", text)], env={})
    assert [message.text for message in diagnostics.messages] == [
        "config : Parsing [lb.cfg:5]: failed to parse log-format : format variable 'HM' is reserved for HTTP mode."
    ]


def test_the_last_choice_of_a_format_counts() -> None:
    assert frontend("log-format %ci", "option httplog").log_kind == "httplog"
    assert frontend("log-format %ci", "option httplog").log_format is None
    assert frontend("option httplog", "log-format %ci").log_kind == "format"
    assert frontend("option httpslog").log_kind == "httpslog"


def test_what_is_wrong_in_a_format_is_shown_where_it_stands() -> None:
    _, diagnostics = load([("lb.cfg", HEAD + 'frontend f\n bind :80\n log-format "%[fe_nam]"\n')], env={})
    (message,) = diagnostics.messages
    assert (message.line, message.column) == (7, 13)
    assert message.hint == "fe_name"
    assert "unknown fetch method 'fe_nam'; did you mean 'fe_name' maybe ?" in message.text


def rules_of(proxy: ProxySettings) -> dict[Ruleset, list[str]]:
    return {ruleset: [rule.text for rule in rules] for ruleset, rules in proxy.rules.lists.items()}


def test_steps_are_told_of_before_the_rules_of_their_list() -> None:
    proxy = frontend("log-steps all", "http-request deny if FALSE")
    assert proxy.log_steps == STEPS
    found = rules_of(proxy)
    assert found[Ruleset.TCP_CONNECTION] == ["log-steps accept"]
    assert found[Ruleset.HTTP_REQUEST][0] == "log-steps request"
    assert len(found[Ruleset.HTTP_REQUEST]) == 2
    assert found[Ruleset.HTTP_RESPONSE] == ["log-steps connect", "log-steps response"]


def test_mode_tcp_has_the_steps_of_connections() -> None:
    proxy = frontend("mode tcp", "log-steps all")
    assert rules_of(proxy) == {
        Ruleset.TCP_CONNECTION: ["log-steps accept"],
        Ruleset.TCP_RESPONSE: ["log-steps connect"],
    }


def test_the_last_step_needs_no_rule() -> None:
    proxy = frontend("log-steps close")
    assert proxy.log_steps == ("close",)
    assert proxy.rules is None


def test_profiles_are_known_by_their_names_and_may_come_later() -> None:
    profile = 'log-profile p\n log-tag t\n on any format "%ci" sd "[x]"\n on close drop\n'
    settings = settings_of("frontend f\n bind :80\n log 127.0.0.1 profile p local1\n" + profile)
    assert [target.profile for target in settings.proxies[0].log_targets] == [None, "p"]
    found = settings.log_profiles["p"]
    assert found.tag == "t"
    assert found.steps["close"].drop
    assert isinstance(found.steps["any"].format, Format)
    assert found.steps["any"].sd.text == "[x]"
