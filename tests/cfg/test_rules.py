"""What lines of rules become: lists, in their order, with what they inherit and what the check of the whole adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.base.diag import Diagnostics
from lbcore.cfg.known_words import WORDS
from lbcore.cfg.loader import load
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.points import Point
from lbcore.stream.rules import ACTIONS, RuleLists, Ruleset

HTTP = """defaults
    mode http
    timeout client 1s
    timeout connect 1s
    timeout server 1s
"""


def read(text: str) -> tuple[dict[str, ProxySettings], Diagnostics]:
    settings, diagnostics = load([("lb.cfg", text)], env={})
    return {proxy.name: proxy for proxy in settings.proxies}, diagnostics


def proxies(text: str) -> dict[str, ProxySettings]:
    """The proxies of a configuration without errors."""
    found, diagnostics = read(text)
    assert not diagnostics.errors, [message.text for message in diagnostics.messages]
    return found


def frontend(*lines: str) -> ProxySettings:
    """A frontend of mode http with some lines."""
    text = "".join(f"    {line}\n" for line in lines)
    return proxies(f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n{text}")["f"]


def texts(proxy: ProxySettings, ruleset: Ruleset = Ruleset.HTTP_REQUEST) -> list[str]:
    rules: RuleLists = proxy.rules
    return [rule.action.describe() for rule in rules.of(ruleset)]


def test_each_list_has_its_rules_in_their_order() -> None:
    found = frontend(
        "http-request set-header a 1",
        "http-response set-header b 2",
        "http-request allow if { path / }",
        "tcp-request content accept",
        "http-after-response del-header c",
    )
    assert texts(found) == ["set-header a 1", "allow"]
    assert texts(found, Ruleset.HTTP_RESPONSE) == ["set-header b 2"]
    assert texts(found, Ruleset.HTTP_AFTER) == ["del-header c"]
    assert texts(found, Ruleset.TCP_CONTENT) == ["accept"]


def test_a_rule_knows_its_line() -> None:
    rule = frontend("http-request deny if { path /a } or { path /b }").rules.of(Ruleset.HTTP_REQUEST)[0]
    assert rule.where == "lb.cfg:8"
    assert rule.text == "http-request deny if { path /a } or { path /b }"
    assert rule.condition.text == "if { path /a } or { path /b }"


def test_a_second_line_of_an_acl_adds_to_the_first() -> None:
    found = frontend("acl a path /a", "acl a path /b", "http-request allow if a")
    assert [test.text for test in found.acls["a"].tests] == ["path /a", "path /b"]


def test_an_acl_is_known_in_its_own_section_only() -> None:
    _, diagnostics = read(f"{HTTP}backend b\n    acl a path /\nbackend c\n    http-request deny if a\n")
    sentence = "error detected while parsing an 'http-request deny' condition : no such ACL : 'a'."
    told = [message.text for message in diagnostics.messages if "no such ACL" in message.text]
    assert told == [f"config : parsing [lb.cfg:9] : {sentence}"]


def test_rules_of_defaults_come_before_those_of_the_section() -> None:
    found = proxies(
        "defaults d\n    mode http\n    timeout client 1s\n    http-request set-header a 1\n"
        "frontend f from d\n    bind 127.0.0.1:6500\n    http-request set-header b 2\n"
        "frontend g from d\n    bind 127.0.0.1:6501\n"
    )
    assert texts(found["f"]) == ["set-header a 1", "set-header b 2"]
    assert texts(found["g"]) == ["set-header a 1"]


def test_captures_of_defaults_keep_their_numbers() -> None:
    found = proxies(
        "defaults d\n    mode http\n    timeout client 1s\n    http-request capture path len 3\n"
        "frontend f from d\n    bind 127.0.0.1:6500\n    declare capture request len 5\n"
        "    http-request capture method id 1\n"
    )
    assert [slot.length for slot in found["f"].captures_request] == [3, 5]


def test_early_hints_that_follow_each_other_fill_one_response() -> None:
    found = frontend(
        "http-request early-hint a 1",
        "http-request early-hint b 2",
        "http-request early-hint c 3 if { path / }",
        "http-request set-header x y",
        "http-request early-hint d 4",
    )
    actions = [rule.action for rule in found.rules.of(Ruleset.HTTP_REQUEST)]
    assert [getattr(action, "more", None) for action in actions] == [True, False, False, None, False]


def test_early_hints_of_defaults_are_joined_for_each_heir_alone() -> None:
    found = proxies(
        "defaults d\n    mode http\n    timeout client 1s\n    http-request early-hint a 1\n"
        "frontend f from d\n    bind 127.0.0.1:6500\n    http-request early-hint b 2\n"
        "frontend g from d\n    bind 127.0.0.1:6501\n"
    )
    more = {name: [rule.action.more for rule in found[name].rules.of(Ruleset.HTTP_REQUEST)] for name in "fg"}
    assert more == {"f": [True, False], "g": [False]}


def test_conditions_know_the_mode_that_counts_in_the_end() -> None:
    text = "    use_backend b if { path / }\n"
    late = proxies(f"frontend f\n    bind 127.0.0.1:6500\n    timeout client 1s\n{text}    mode http\n" + BACKEND)
    early = proxies(f"frontend f\n    mode http\n    bind 127.0.0.1:6500\n    timeout client 1s\n{text}" + BACKEND)
    assert late["f"].rules.use_backend[0].condition.inline
    assert early["f"].rules.use_backend[0].condition.inline


def test_conditions_of_defaults_are_asked_on_the_side_of_the_heir() -> None:
    text = "defaults d\n    mode http\n    timeout client 1s\n    http-request allow if { path / }\n"
    front = proxies(f"{text}frontend f from d\n    bind 127.0.0.1:6500\n")["f"]
    back = proxies(f"{text}backend b from d\n")["b"]
    points = [proxy.rules.of(Ruleset.HTTP_REQUEST)[0].condition.point for proxy in (front, back)]
    assert points == [Point.FE_REQ_HDR, Point.BE_REQ_HDR]


BACKEND = "backend b\n    mode http\n"


def test_in_mode_tcp_the_rules_of_http_are_left_aside() -> None:
    found, diagnostics = read(f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n    mode tcp\n    http-request deny\n")
    assert "'http-request' rules ignored" in diagnostics.messages[-1].text
    assert found["f"].rules.of(Ruleset.HTTP_REQUEST) == ()


def test_a_redirect_line_has_a_list_of_its_own() -> None:
    found = frontend("http-request allow", "redirect location /x if { path /y }")
    assert [rule.action.describe() for rule in found.rules.redirects] == ["redirect location /x"]
    assert texts(found) == ["allow"]


def test_backends_and_servers_are_chosen_by_name_or_format() -> None:
    found = proxies(
        f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n    use_backend b if {{ path / }}\n    use_backend %[path]\n"
        "backend b\n    use-server s if { path /s }\n    use-server %[path] if TRUE\n    server s 127.0.0.1:1\n"
    )
    first, second = found["f"].rules.use_backend
    assert (first.name, second.name.text, second.condition) == ("b", "%[path]", None)
    assert [getattr(rule.name, "text", rule.name) for rule in found["b"].rules.use_server] == ["s", "%[path]"]


def test_monitor_fail_keeps_its_conditions() -> None:
    found = frontend("monitor fail if { hdr(x) a }", "monitor fail unless TRUE")
    assert [held.text for held in found.rules.monitor_fail] == ["if { hdr(x) a }", "unless TRUE"]


def test_inspect_delays_are_kept() -> None:
    lines = "    tcp-request inspect-delay 5s\n    tcp-response inspect-delay 300\n"
    found = proxies(f"{HTTP}listen l\n    bind 127.0.0.1:6500\n{lines}")
    assert (found["l"].rules.inspect_delay, found["l"].rules.response_inspect_delay) == (5000, 300)


def test_an_experimental_action_needs_the_global_option() -> None:
    rule = "    http-request normalize-uri path-merge-slashes\n"
    text = f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n{rule}"
    assert read(text)[1].errors == 1
    assert texts(proxies("global\n    expose-experimental-directives\n" + text)["f"]) == [
        rule.strip().partition(" ")[2]
    ]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("http-request set-header x %[foo]", 31),
        ("http-request set-heder x y", 18),
        ("http-request deny if { path_bg / }", 28),
        ("http-request deny if a", 26),
        ("tcp-request content acept", 25),
        ("use_backend", 5),
    ],
)
def test_the_caret_stands_under_the_word_at_fault(line: str, column: int) -> None:
    _, diagnostics = read(f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n    {line}\n")
    assert diagnostics.messages[0].column == column


def test_a_mistyped_word_is_met_by_the_nearest_one() -> None:
    _, diagnostics = read(f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n    http-request set-heder x y\n")
    assert diagnostics.messages[0].hint == "set-header"


LISTS = {ruleset: WORDS[ruleset.value].split() for ruleset in Ruleset}
PLACES = {Ruleset.TCP_RESPONSE: "backend b"}


@pytest.mark.parametrize(
    ("ruleset", "word"),
    [(ruleset, word.rstrip("*")) for ruleset, words in LISTS.items() for word in words],
    ids=lambda value: value.value if isinstance(value, Ruleset) else value,
)
def test_every_action_of_haproxys_is_done_or_refused_by_name(ruleset: Ruleset, word: str) -> None:
    load_vocabulary()
    if ACTIONS.find(ruleset, word) is not None:
        return
    place = PLACES.get(ruleset, "frontend f\n    bind 127.0.0.1:6500")
    _, diagnostics = read(f"{HTTP}{place}\n    {ruleset.value} {word}(x)\n")
    _, plain = read(f"{HTTP}{place}\n    {ruleset.value} {word} x\n")
    messages = [*diagnostics.messages, *plain.messages]
    assert any(f"the '{ruleset.value} {word}" in message.text for message in messages)


@pytest.mark.parametrize("ruleset", list(Ruleset), ids=lambda ruleset: ruleset.value)
def test_no_action_is_unknown_to_haproxy(ruleset: Ruleset) -> None:
    load_vocabulary()
    known = {word.rstrip("*0123456789") for word in LISTS[ruleset]} | set(LISTS[ruleset])
    known |= {word.rstrip("*") for word in LISTS[ruleset]}
    assert set(ACTIONS.names(ruleset)) - known == set()


def test_a_pattern_file_that_is_missing_is_told(tmp_path: Path) -> None:
    _, diagnostics = read(
        f"{HTTP}frontend f\n    bind 127.0.0.1:6500\n    http-request deny if {{ path -f {tmp_path}/none }}\n"
    )
    assert diagnostics.errors == 1
