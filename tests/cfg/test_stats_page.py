"""The `stats` lines of proxies, as settings. Wrong lines stand in the golden files."""

from __future__ import annotations

import pytest

from lbcore.cfg.loader import load
from lbcore.proxy.settings import StatsPage

HEAD = "    mode http\n    timeout client 1s\n"


def pages(text: str) -> dict[str, StatsPage | None]:
    """The pages of all proxies."""
    found, diagnostics = load([("lb.cfg", text)], env={})
    assert not diagnostics.messages, [message.text for message in diagnostics.messages]
    return {proxy.name: proxy.stats for proxy in found.proxies}


def page(*lines: str, before: str = "") -> StatsPage:
    text = before + "listen l\n    bind :8099\n" + HEAD + "".join(f"    {line}\n" for line in lines)
    found = pages(text)["l"]
    assert found is not None
    return found


def test_any_line_enables_the_page_with_its_defaults() -> None:
    found = page("stats show-legends")
    assert (found.uri, found.realm, found.users, found.scope, found.refresh) == ("/haproxy?stats", None, {}, (), 0)
    assert found.legends


def test_all_lines_add_up() -> None:
    found = page(
        "stats enable",
        "stats uri /x",
        "stats realm My\\ Realm",
        "stats auth ann:secret:with:colons",
        "stats auth bob:",
        "stats scope .",
        "stats scope web",
        "stats refresh 2m",
        "stats hide-version",
        "stats show-modules",
        "stats show-node n1",
        "stats show-desc some words",
    )
    assert (found.uri, found.realm, found.refresh) == ("/x", "My Realm", 120)
    assert found.users == {"ann": "secret:with:colons", "bob": ""}
    assert found.scope == (".", "web")
    assert (found.hide_version, found.modules, found.show_node, found.node) == (True, True, True, "n1")
    assert found.description == "some words"


def test_words_that_are_too_many_are_left_unread_as_in_haproxy() -> None:
    assert page("stats realm HAProxy Statistics").realm == "HAProxy"


def test_the_description_of_the_process_stands_in() -> None:
    assert page("stats show-desc", before="global\n    description all of it\n").description == "all of it"


def test_a_section_inherits_the_page_of_its_defaults() -> None:
    text = f"defaults\n{HEAD}    stats uri /d\n    stats refresh 5s\nlisten l\n    bind :8099\n"
    found = pages(text)["l"]
    assert found is not None
    assert (found.uri, found.refresh) == ("/d", 5)


def test_a_section_with_a_line_of_its_own_inherits_nothing() -> None:
    text = f"defaults\n{HEAD}    stats uri /d\n    stats auth a:b\n"
    found = pages(text + "listen l\n    bind :8099\n    stats refresh 5s\nlisten m\n    bind :8098\n")
    own, other = found["l"], found["m"]
    assert own is not None
    assert other is not None
    assert (own.uri, own.users, own.refresh) == ("/haproxy?stats", {}, 5)
    assert (other.uri, other.users) == ("/d", {"a": "b"})


def test_sections_without_stats_have_no_page() -> None:
    assert pages(f"listen l\n    bind :8099\n{HEAD}") == {"l": None}


def complaint(line: str) -> str:
    """What is said of a line."""
    _, diagnostics = load([("lb.cfg", f"listen l\n    bind :8099\n{HEAD}    {line}\n")], env={})
    return diagnostics.messages[0].text


def test_a_refresh_needs_its_time() -> None:
    """HAProxy prints whatever lies behind the end of the line."""
    assert complaint("stats refresh") == "config : parsing [lb.cfg:5] : 'refresh' needs a time."


@pytest.mark.parametrize("word", ["", "foo"])
def test_a_rule_needs_an_action_that_there_is(word: str) -> None:
    found = complaint(f"stats http-request {word}")
    assert found.startswith("config : parsing [lb.cfg:5]: 'http-request' expects ")
    assert found.endswith(f", but got '{word}'.")
