"""What is explained, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lbcore.conn.settings import BindSettings
from lbcore.explain.request import Asked, Endpoint
from lbcore.explain.trace import Change, Step
from lbcore.proxy.backend import Backend
from lbcore.proxy.server import Server
from lbcore.proxy.settings import ProxySettings


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes, and where to."""

    frontend: ProxySettings
    bind: BindSettings | None
    src: Endpoint
    dst: Endpoint
    asked: Asked
    reply: bytes | None = None  # what the server answers, a head in normal form with a body; None: nobody knows


@dataclass(frozen=True, slots=True)
class ServerChance:
    """A server of the chosen backend. `why` says what speaks against it, "" if nothing does."""

    name: str
    address: str
    state: str
    weight: int
    cookie: str | None
    backup: bool
    eligible: bool
    chosen: bool
    why: str


@dataclass(slots=True)
class Received:
    """What the client gets of a server's reply; `outcome` as in an `Explanation`."""

    outcome: str
    status: int
    head: str = ""
    body: str = ""


@dataclass(slots=True)
class Explanation:
    """What became of a request. `outcome` is "forward", "reply", "close", "reset", "drop" or "http" (a connection of
    mode tcp that goes on in mode http). `head` is what the server, or for a reply the client, gets.
    """

    request: str
    src: str
    dst: str
    frontend: str
    bind: str
    steps: list[Step] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    outcome: str = ""
    termination: str = ""
    backend: str | None = None
    backend_by: str = ""
    balance: str = ""
    servers: list[ServerChance] = field(default_factory=list)
    aside: str = ""  # where it goes if none of the servers is chosen, for a backend that does not balance
    status: int | None = None
    head: str = ""
    body: str = ""
    by_options: list[Change] = field(default_factory=list)  # fields that no rule, but what else is configured changed
    problem: str = ""  # what went wrong on our side
    response: Received | None = None
    later: list[str] = field(default_factory=list)  # rules that will look at a response of which nothing is known


def chances(backend: Backend, chosen: int) -> Iterator[ServerChance]:
    """The servers of a backend; `chosen` is the number of the one that a rule or a cookie asks for, -1: none."""
    spread = "allbackups" in backend.settings.options
    active = any(server.usable and server.uweight and not server.backup for server in backend.servers)
    first = next((server for server in backend.servers if works(server) and server.backup), None)
    for server in backend.servers:
        why = _against(server)
        if not why and backend.settings.goes_aside and server.index != chosen:
            why = "only who is sent there by a rule or a cookie comes to it"
        elif not why and server.backup and active:
            why = "a backup: others work"
        elif not why and server.backup and not spread and server is not first:
            why = "a backup: another one comes first"
        yield ServerChance(
            server.name,
            server.address,
            "UP" if server.usable else "MAINT",
            server.uweight,
            server.cookie,
            server.backup,
            not why or server.index == chosen,
            server.index == chosen,
            why,
        )


def works(server: Server) -> bool:
    """Whether a server takes requests of anybody."""
    return not _against(server)


def _against(server: Server) -> str:
    if not server.usable:
        return "disabled"
    return "" if server.uweight else "weight 0: for its own clients only"
