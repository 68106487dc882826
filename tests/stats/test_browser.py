"""The statistics page in a real browser: it loads, it is alive, its forms change servers, phones can read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lbcore
from lbcore.proxy.machine import Admin
from tests.embedded import Client, balancer, get
from tests.peers.browser import Page, browser

CONFIG = """
global
    nbthread 1
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 1s
frontend web
    bind 127.0.0.1:0
    http-request return status 200 if { path /ok }
    default_backend be
frontend stats
    bind 127.0.0.1:0
    stats uri /
    stats admin if TRUE
    stats refresh 1s
backend be
    server s1 127.0.0.1:9
    server s2 127.0.0.1:9
"""
ROW_OF_WEB = "document.getElementById('1.0.0')"
TOTAL = 9  # column "Sessions, Total"
SHOWN_MS = 30_000  # of a page of two thousand servers, on a machine with other things to do
CLICK_MS = 5_000


@pytest.fixture(scope="module")
def lb() -> Iterator[lbcore.LoadBalancer]:
    with balancer(CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def page(lb: lbcore.LoadBalancer, tab: Page) -> Iterator[Page]:
    """The page, just loaded. It must leave nothing to complain about: no exception, no breach of its policy."""
    tab.complaints.clear()
    tab.resize(1400, 1000)
    tab.open(lb.url("stats") + "/")
    yield tab
    tab.run("1")  # events that are on their way come with the answer
    assert tab.complaints == []


def traffic(lb: lbcore.LoadBalancer, count: int) -> None:
    for _ in range(count):
        with Client(lb, "web") as client:
            client.ask(get("/ok"))


def test_the_page_loads_with_its_style_and_its_script(page: Page) -> None:
    assert page.run("document.querySelectorAll('section.proxy').length") == 3
    assert page.run("typeof uPlot") == "function"
    assert page.run("getComputedStyle(document.querySelector('.proxy table')).borderCollapse") == "collapse"


def test_figures_follow_what_happens_without_a_reload(page: Page, lb: lbcore.LoadBalancer) -> None:
    page.run("window.mark = 1")
    cell = f"{ROW_OF_WEB}.querySelectorAll('td')[{TOTAL}].textContent"
    before = int(page.run(cell))
    traffic(lb, 5)
    page.until(f"Number({cell}) >= {before + 5}")
    assert page.run("window.mark") == 1


def test_plots_are_drawn_of_what_came(page: Page, lb: lbcore.LoadBalancer) -> None:
    traffic(lb, 5)
    page.until("!document.getElementById('plots').hidden")
    assert page.run("document.querySelectorAll('#plots canvas').length") == 3
    assert page.run("[...document.getElementById('plot-of').options].map(o => o.text).join()") == "all,web,stats,be"
    page.run("const choice = document.getElementById('plot-of'); choice.value = '1'; "
             "choice.dispatchEvent(new Event('change')); 1")  # fmt: skip


def test_plots_outlive_a_reload(page: Page) -> None:
    page.until("!document.getElementById('plots').hidden")
    page.call("Page.reload")
    page.until("performance.getEntriesByType('navigation')[0].type === 'reload' && "
               "!document.getElementById('plots').hidden")  # fmt: skip


def test_an_action_drains_a_server_and_another_brings_it_back(page: Page, lb: lbcore.LoadBalancer) -> None:
    server = lb.states.find("be/s1")
    for action, flags, words in (("drain", Admin.FDRAIN, "DRAIN"), ("ready", Admin(0), "no check")):
        page.run("document.querySelector('input[name=s][value=s1]').click()")
        page.run(f"document.querySelector('select[name=action]').value = '{action}'")
        page.run("document.querySelector('.actions button').click()")
        page.until("location.pathname === '/;st=DONE'")
        page.until("document.querySelector('.outcome.good') !== null")
        assert server.admin == flags
        page.until(f"document.getElementById('3.2.1').textContent.includes('{words}')")
        page.open(lb.url("stats") + "/")


def test_one_box_checks_all_servers(page: Page) -> None:
    page.run("document.querySelector('input.all').click()")
    assert page.run("document.querySelectorAll('input[name=s]:checked').length") == 2


def test_a_state_changed_elsewhere_changes_the_colour(page: Page, lb: lbcore.LoadBalancer) -> None:
    server = lb.states.find("be/s2")
    lb.states.admin(server, on=Admin.FMAINT)
    page.until("document.getElementById('3.2.2').className === 'active maint'")
    lb.states.admin(server, off=Admin.FMAINT)
    page.until("document.getElementById('3.2.2').className === 'active unchecked'")


def test_the_live_button_stops_and_starts_the_figures(page: Page, lb: lbcore.LoadBalancer) -> None:
    button = "document.getElementById('live')"
    assert page.run(f"{button}.getAttribute('aria-pressed')") == "true"
    page.run(f"{button}.click()")
    assert page.run(f"{button}.getAttribute('aria-pressed')") == "false"


def test_the_scope_form_narrows_the_page(page: Page) -> None:
    page.run("const form = document.getElementById('scope'); form.scope.value = 'we'; form.requestSubmit(); 1")
    page.until("location.search === '?scope=we'")
    page.until("document.querySelectorAll('section.proxy').length === 1")


def test_a_phone_needs_no_sideways_scrolling_but_in_tables(page: Page) -> None:
    page.resize(390, 800, mobile=True)
    page.until("innerWidth <= 390")
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.run("document.querySelector('.wide').scrollWidth > document.querySelector('.wide').clientWidth")


def test_a_touch_shows_what_stands_behind_a_figure(page: Page) -> None:
    page.run(f"{ROW_OF_WEB}.querySelectorAll('td')[{TOTAL}].click()")
    assert "Cum. connections" in page.run("document.querySelector('.detail').textContent")


def test_dark_is_dark(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.run(colour)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run(colour) != light
    page.call("Emulation.setEmulatedMedia", features=[])


def test_all_that_it_loads_comes_from_the_balancer(page: Page, lb: lbcore.LoadBalancer) -> None:
    page.until("!document.getElementById('plots').hidden")
    loaded = page.run("performance.getEntriesByType('resource').map(one => one.name).join(' ')").split()
    assert len(loaded) > 4
    assert all(name.startswith(lb.url("stats") + "/") for name in loaded)


def test_two_thousand_servers_are_shown_and_kept_up_to_date_in_time(tab: Page) -> None:
    servers = "".join(f"    server srv{n} 127.0.0.1:9\n" for n in range(2000))
    with balancer(CONFIG + servers) as lb:
        tab.complaints.clear()
        tab.open(lb.url("stats") + "/")
        assert tab.run("document.querySelectorAll('.proxy tbody tr').length") == 2005
        shown = tab.run("performance.getEntriesByType('navigation')[0].domComplete")
        tab.until("!document.getElementById('plots').hidden")
        # the script takes new figures in between what else the page does: two of its looks, and a click
        looks = "performance.getEntriesByType('resource').filter(one => one.name.includes(';live')).length"
        tab.until(f"{looks} >= 3")
        began = "const began = performance.now(); document.querySelector('input.all').click(); "
        took = tab.run(f"(() => {{ {began} document.body.offsetHeight; return performance.now() - began; }})()")
        assert tab.run("document.querySelectorAll('input[name=s]:checked').length") == 2002
        assert tab.complaints == []
        tab.call("Page.navigate", url="about:blank")  # it asks no more when the balancer ends
        tab.until("location.href === 'about:blank'")
    print(f"shown after {shown:.0f} ms, a click on all took {took:.0f} ms")
    assert shown < SHOWN_MS
    assert took < CLICK_MS
