"""The HTML of the statistics page, and the figures for its script."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any, cast

import pytest

from lbcore.proxy.settings import StatsPage
from lbcore.stats.asked import Asked, Form
from lbcore.stats.page_html import Look, live, page
from lbcore.stats.page_rows import COLUMNS
from lbcore.stats.views import ProcessView, ProxyView
from tests.stats.fakes import FakeBackend, FakeFrontend, FakeListener, FakeProcess, FakeProxy, FakeServer, full_proxy

# All that a page is made of.
ATTRIBUTES = frozenset((
    "action", "aria-label", "charset", "class", "colspan", "content", "data-live", "data-refresh", "defer", "hidden",
    "href", "http-equiv", "id", "lang", "maxlength", "method", "name", "rel", "role", "rowspan", "scope", "size", "src",
    "title", "type", "value",
))  # fmt: skip
HOSTILE = "<script>alert(1)</script>\"'&\udcff"


def look(*proxies: FakeProxy, asked: Asked | None = None, admin: bool = False, **settings: Any) -> Look:
    found = cast(list[ProxyView], list(proxies))
    page_settings = StatsPage("lb.cfg:1", **settings)
    process = cast(ProcessView, FakeProcess(description=HOSTILE))
    return Look(page_settings, asked or Asked(Form.PAGE), process, found, admin)


class Reader(HTMLParser):
    """The elements of a page: (tag, attributes), and the texts between them."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def written(found: Look) -> str:
    return "".join(page(found))


def hostile_proxy() -> FakeProxy:
    server = FakeServer(name=HOSTILE, cookie=HOSTILE, address=HOSTILE, status="UP")
    backend = FakeBackend([server], algorithm=HOSTILE)
    return FakeProxy(HOSTILE, 2, "http", FakeFrontend(), [FakeListener(name=HOSTILE, address=HOSTILE)], backend)


def test_elements_are_closed_in_order() -> None:
    assert Reader(written(look(full_proxy(), admin=True))).open == []


@pytest.mark.parametrize("admin", [False, True])
def test_nothing_hostile_becomes_an_element_or_an_attribute(admin: bool) -> None:
    asked = Asked(Form.PAGE, scope=HOSTILE, up=True)
    settings = {"legends": True, "uri": f"/{HOSTILE}", "node": HOSTILE, "show_node": True, "description": HOSTILE}
    found = Reader(written(look(hostile_proxy(), asked=asked, admin=admin, **settings)))
    assert found.open == []
    scripts = found.all("script")
    assert len(scripts) == 2
    assert all(set(script) == {"defer", "src"} for script in scripts)
    assert {name for _, attributes in found.elements for name in attributes} <= ATTRIBUTES
    assert "alert(1)" in "".join(found.texts)


def test_a_page_has_neither_scripts_nor_styles_inside() -> None:
    found = Reader(written(look(full_proxy(), admin=True)))
    assert not found.all("style")
    assert not [attributes for _, attributes in found.elements if "style" in attributes]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_there_is_a_row_for_each_object_with_all_columns() -> None:
    found = Reader(written(look(full_proxy())))
    rows = [attributes["id"] for attributes in found.all("tr") if "id" in attributes]
    assert rows == ["2.0.0", "2.3.1", "2.2.1", "2.1.0"]
    assert len(found.all("td")) == 4 * len(COLUMNS)


def test_only_administrators_get_forms() -> None:
    assert not [form for form in Reader(written(look(full_proxy()))).all("form") if form["method"] == "post"]
    found = Reader(written(look(full_proxy(name="px", iid=7), admin=True)))
    assert [form for form in found.all("form") if form["method"] == "post"] == [
        {"method": "post", "action": "/haproxy?stats"}
    ]
    fields = [(field["name"], field["value"]) for field in found.all("input") if field.get("name") in ("b", "s")]
    assert fields == [("b", "#7"), ("s", "s1")]


def test_a_proxy_without_servers_has_no_form() -> None:
    found = Reader(written(look(FakeProxy("fe", frontend=FakeFrontend()), admin=True)))
    assert not [form for form in found.all("form") if form["method"] == "post"]


def test_the_version_can_be_hidden() -> None:
    assert "3.2.0" in written(look())
    assert "3.2.0" not in written(look(hide_version=True))


def test_node_and_description_are_shown_only_if_asked_for() -> None:
    plain = written(look())
    assert "on box" not in plain
    assert "alert(1)" not in plain
    assert "on box" in written(look(show_node=True))
    assert ": words" in written(look(description="words"))


def test_legends_are_shown_only_if_asked_for() -> None:
    assert "127.0.0.1:8000" not in written(look(full_proxy()))
    assert "127.0.0.1:8000" in written(look(full_proxy(), legends=True))


def test_modules_add_a_column() -> None:
    assert "HTTP/1 sessions" not in written(look(full_proxy()))
    assert "HTTP/1 sessions" in written(look(full_proxy(), modules=True))


def test_the_refresh_works_without_a_script_and_can_be_stopped() -> None:
    assert {"http-equiv": "refresh", "content": "5"} in Reader(written(look(refresh=5))).all("meta")
    stopped = Reader(written(look(refresh=5, asked=Asked(Form.PAGE, norefresh=True))))
    assert not [meta for meta in stopped.all("meta") if "http-equiv" in meta]


def test_servers_that_are_down_can_be_hidden() -> None:
    proxy = full_proxy(usable=False, status="DOWN")
    assert 'id="2.2.1"' in written(look(proxy))
    assert 'id="2.2.1"' not in written(look(proxy, asked=Asked(Form.PAGE, up=True)))


def test_an_outcome_is_told_in_words() -> None:
    assert "Action denied." in written(look(asked=Asked(Form.PAGE, outcome="DENY")))


def test_what_the_script_gets_is_what_the_page_shows() -> None:
    found = look(full_proxy(cur_sess=1234), admin=True)
    rows = json.loads("".join(live(found)))["rows"]
    assert list(rows) == ["2.0.0", "2.3.1", "2.2.1", "2.1.0"]
    kind, cells = rows["2.2.1"]
    assert kind == "active unchecked"
    assert len(cells) == len(COLUMNS)
    assert cells[6][0] == "1\u202f234"


def test_what_the_script_gets_is_json_for_no_proxies_and_for_hostile_ones() -> None:
    assert json.loads("".join(live(look())))["rows"] == {}
    assert json.loads("".join(live(look(hostile_proxy()))))["plots"][0]["name"] == HOSTILE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("UP", "active up"),
        ("UP 1/3", "active going-down"),
        ("DOWN", "active down"),
        ("DOWN 1/2", "active going-up"),
        ("DOWN (agent)", "active down"),
        ("MAINT (via be/s1)", "active maint"),
        ("DRAIN", "active drain"),
        ("NOLB 1/3", "active drain"),
        ("no check", "active unchecked"),
    ],
)
def test_the_colour_of_a_server_is_its_state(status: str, kind: str) -> None:
    assert f'id="2.2.1" class="{kind}"' in written(look(full_proxy(status=status)))
