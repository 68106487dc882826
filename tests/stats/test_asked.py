"""Targets of the statistics page."""

from __future__ import annotations

import pytest

from lbcore.stats.asked import Asked, Form, read

PREFIX = "/haproxy?stats"


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ("", Form.PAGE),
        (";csv", Form.CSV),
        (";up;csv;norefresh", Form.CSV),
        (";json", Form.JSON),
        (";json-schema", Form.JSON_SCHEMA),
        (";typed", Form.TYPED),
        (";live", Form.LIVE),
        (";asset=page.css", Form.ASSET),
        ("csv", Form.PAGE),
    ],
)
def test_the_form_of_the_answer(options: str, form: Form) -> None:
    assert read(PREFIX + options, PREFIX).form is form


def test_options_stand_in_any_order() -> None:
    found = read(f"{PREFIX};norefresh;no-maint;up;x=1", PREFIX)
    assert (found.up, found.no_maint, found.norefresh) == (True, True, True)
    assert read(PREFIX, PREFIX) == Asked(Form.PAGE)


def test_what_the_prefix_says_is_no_option() -> None:
    assert read("/;up", "/;up") == Asked(Form.PAGE)


@pytest.mark.parametrize("mark", ["?", ";", "&"])
def test_a_scope_ends_at_the_next_option_and_is_cut_to_twenty_characters(mark: str) -> None:
    assert read(f"{PREFIX}{mark}scope=web%3Cx;up", PREFIX).scope == "web<x"
    assert read(f"{PREFIX}{mark}scope={'a' * 30}", PREFIX).scope == "a" * 20


def test_only_known_outcomes_are_told() -> None:
    assert read(f"{PREFIX};st=DONE", PREFIX).outcome == "DONE"
    assert read(f"{PREFIX};st=ABCD", PREFIX).outcome == "UNKN"
    assert read(f"{PREFIX};st=<b>", PREFIX).outcome == ""


def test_a_url_leads_back_to_the_same_look() -> None:
    look = Asked(Form.PAGE, up=True, norefresh=True, scope="a&b;c d")
    url = look.url(PREFIX, form=Form.CSV)
    assert url == f"{PREFIX};up;norefresh;csv?scope=a%26b%3Bc%20d"
    assert read(url, PREFIX) == look._replace(form=Form.CSV)


def test_a_url_tells_an_outcome_only_when_told_to() -> None:
    look = Asked(Form.PAGE, outcome="DONE", up=True)
    assert look.url("/s") == "/s;up"
    assert look.url("/s", outcome="PART") == "/s;st=PART;up"
