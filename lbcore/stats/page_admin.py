"""The forms of the statistics page: what they may ask for, and what is done then (manual 4.2 "stats admin").

A form names a backend (`b`: its name, or `#` and its number), one action and servers (`s`, several times). Changes go
through `States`, one server after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from lbcore.proxy.changes import Verdict
from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import Admin
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.states import States
from lbcore.stream.message import Request

FORCED = Admin.FMAINT | Admin.FDRAIN
_HERE = ("same-origin", "none")  # of Sec-Fetch-Site: the page itself, or a person who typed an address

Deed = Callable[[States, Server], bool]  # whether it found something to do


class Action(NamedTuple):
    """An action: its word in forms, what the page calls it ("": it does not offer it), and what it does."""

    word: str
    label: str
    do: Deed


class BadForm(ValueError):
    """A form lacks something, or names what there is not."""


class Form(NamedTuple):
    """A form: what to do to which servers. `unknown`: how many names it has that no server has."""

    action: Action
    servers: list[Server]
    unknown: int


def read_form(body: str, proxies: Iterable[Proxy]) -> Form | None:
    """What a form (latin-1 text, one character a byte) asks of these proxies; None: nothing. Raises BadForm."""
    fields = parse_qsl(body, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    names = [value for name, value in fields if name == "s"]
    chosen = dict(fields)
    if not names:
        return None
    action = _BY_WORD.get(chosen.get("action", ""))
    proxy = _find(chosen.get("b", ""), proxies)
    if action is None or proxy is None or proxy.backend is None:
        raise BadForm
    found = [server for name in names if (server := proxy.backend.by_name.get(name)) is not None]
    return Form(action, found, len(names) - len(found))


def _find(name: str, proxies: Iterable[Proxy]) -> Proxy | None:
    number = name[1:] if name[:1] == "#" else ""
    for proxy in proxies:
        if proxy.backend is not None and (str(proxy.iid) == number if number else proxy.name == name):
            return proxy
    return None


def apply(form: Form, states: States) -> Iterator[bool]:
    """Does it, a server each time that it is asked: whether there was something to do."""
    for server in form.servers:
        yield form.action.do(states, server)


def outcome_of_form(form: Form, done: int) -> str:
    """What is told of a form of which `done` servers were changed: a word of `asked.OUTCOMES`."""
    if not form.unknown:
        return "DONE" if done else "NONE"
    return "PART" if done else "ERRP"


def is_foreign(request: Request) -> bool:
    """Whether a page of another origin has its reader's browser send this: browsers tell (Fetch Metadata, RFC 6454 7).

    Passwords of the browser go along with such a form, so that it must not count.
    """
    site = request.get("sec-fetch-site")
    if site is not None:
        return site not in _HERE
    origin = request.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != (request.get("host") or "").lower()


# --- what actions do ---


def _flags(*, on: Admin = Admin(0), off: Admin = Admin(0)) -> Deed:  # noqa: B008 - a flag never changes
    def do(states: States, server: Server) -> bool:
        states.admin(server, on=on, off=off)
        return True

    return do


def _old(word: str, flag: Admin, *, on: bool) -> Deed:
    """An action of HAProxy 1.4's page, which some scripts still send."""

    def do(states: States, server: Server) -> bool:
        if bool(server.admin & flag) == on:
            return False
        if on:
            states.admin(server, on=flag, cause=f"'{word}' on stats page")
        else:
            states.admin(server, off=flag)
        return True

    return do


def _checks(of: Callable[[Server], CheckState | None], *, on: bool) -> Deed:
    def do(states: States, server: Server) -> bool:
        check = of(server)
        if check is None or (check.agent and check.enabled == on):
            return False
        states.checking(server, check, on)
        return True

    return do


def _health(verdict: Verdict) -> Deed:
    def do(states: States, server: Server) -> bool:
        if server.tracks is not None:
            return False
        states.health(server, verdict)
        return True

    return do


def _agent(verdict: Verdict) -> Deed:
    def do(states: States, server: Server) -> bool:
        if server.agent is None or not server.agent.enabled:
            return False
        states.agent(server, verdict)
        return True

    return do


def _shutdown(states: States, server: Server) -> bool:
    states.shutdown_sessions(server)
    return True


def _check_of(server: Server) -> CheckState | None:
    return server.check


def _agent_of(server: Server) -> CheckState | None:
    return server.agent


ACTIONS = (
    Action("ready", "Set state to READY", _flags(off=FORCED)),
    Action("drain", "Set state to DRAIN", _flags(on=Admin.FDRAIN, off=Admin.FMAINT)),
    Action("maint", "Set state to MAINT", _flags(on=Admin.FMAINT, off=Admin.FDRAIN)),
    Action("dhlth", "Health: disable checks", _checks(_check_of, on=False)),
    Action("ehlth", "Health: enable checks", _checks(_check_of, on=True)),
    Action("hrunn", "Health: force UP", _health(Verdict.UP)),
    Action("hnolb", "Health: force NOLB", _health(Verdict.STOPPING)),
    Action("hdown", "Health: force DOWN", _health(Verdict.DOWN)),
    Action("dagent", "Agent: disable checks", _checks(_agent_of, on=False)),
    Action("eagent", "Agent: enable checks", _checks(_agent_of, on=True)),
    Action("arunn", "Agent: force UP", _agent(Verdict.UP)),
    Action("adown", "Agent: force DOWN", _agent(Verdict.DOWN)),
    Action("shutdown", "Kill sessions", _shutdown),
    Action("disable", "", _old("disable", Admin.FMAINT, on=True)),
    Action("enable", "", _old("enable", Admin.FMAINT, on=False)),
    Action("stop", "", _old("stop", Admin.FDRAIN, on=True)),
    Action("start", "", _old("start", Admin.FDRAIN, on=False)),
)
_BY_WORD = {action.word: action for action in ACTIONS}
