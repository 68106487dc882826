"""Agent checks: a line of words from the machine itself, about how it wants to be treated (manual 5.2 "agent-check").

The answer is what stands before the first end of line. What an agent says of health is the result of the check; weight,
maxconn and ready, drain, maint are its orders, and carried out at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lbcore.check.steps import WAIT, Act, Ruleset, Step, Verdict
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.proxy.machine import Admin
from lbcore.proxy.weights import parse_maxconn, parse_weight
from lbcore.sample.build import Build

if TYPE_CHECKING:
    from lbcore.check.run import Run

_END = re.compile(rb"[\r\n]")
_WORD = re.compile(r"[ \t,]*(?:#[ \t]*(?P<text>.*)|(?P<word>[^ \t,]+))", re.DOTALL)
_PERCENT = re.compile(r"[0-9].*%")
_MAXCONN = "maxconn:"
_HEALTH = ("up", "down", "fail", "stopped")
_ADMIN = ("ready", "drain", "maint")


class Orders(Protocol):
    """What an agent may have done to its server (`lbcore.proxy.states.States`)."""

    def admin(self, server: Any, *, on: Admin = ..., off: Admin = ..., cause: str = "") -> None: ...

    def weight(self, server: Any, weight: int) -> None: ...

    def maxconn(self, server: Any, maxconn: int) -> None: ...


@dataclass(slots=True)
class Wish:
    """What an agent's line says, each as it stands there; of several the last, of what is not understood the first."""

    health: str = ""  # "up", "down", ...; in the letters of the agent
    admin: str = ""  # "ready", ...
    weight: str = ""  # "75%"
    maxconn: str | None = None  # what stands behind "maxconn:"
    text: str = ""  # why
    strange: str = ""


def read_line(line: str) -> Wish:
    """What an agent's line says."""
    wish = Wish()
    at = 0
    while (found := _WORD.match(line, at)) is not None:
        if found["word"] is None:
            wish.text = found["text"]
            break
        _read_word(wish, found["word"])
        at = found.end()
    return wish


def _read_word(wish: Wish, word: str) -> None:
    lower = word.lower()
    if lower in _HEALTH:
        wish.health = word
    elif lower in _ADMIN:
        wish.admin = lower
    elif _PERCENT.match(word):
        wish.weight = word
    elif lower.startswith(_MAXCONN):
        wish.maxconn = word[len(_MAXCONN) :]
    elif not wish.strange:
        wish.strange = word


def obey(wish: Wish, server: Any, orders: Orders) -> str:
    """Carries out what is no matter of health; what is wrong with it, "" if nothing is."""
    if wish.admin == "ready":
        orders.admin(server, off=Admin.FMAINT | Admin.FDRAIN)
    elif wish.admin == "drain":
        orders.admin(server, on=Admin.FDRAIN, off=Admin.FMAINT)
    elif wish.admin == "maint":
        orders.admin(server, on=Admin.FMAINT)
    warnings = []
    if wish.weight:
        warnings.append(_tried(lambda: orders.weight(server, parse_weight(server, wish.weight))))
    if wish.maxconn is not None:
        limit = wish.maxconn
        warnings.append(_tried(lambda: orders.maxconn(server, parse_maxconn(limit))))
    return next((text for text in warnings if text), "")


def _tried(order: Callable[[], None]) -> str:
    try:
        order()
    except ValueError as error:
        return str(error)
    return ""


def verdict(wish: Wish, warning: str) -> CheckResult:
    """The result of a check that got this answer; what is wrong with it is told where nothing graver is."""
    if not wish.health:
        told = (
            f"agent reports an error : {wish.strange}"
            if wish.strange
            else f"agent warns : {warning}"
            if warning
            else ""
        )
        return CheckResult(CheckStatus.CHECKED, -1, told)
    up = wish.health.lower() == "up"
    why = (wish.strange or warning or wish.text) if up or not wish.text else wish.text
    told = f"via agent : {wish.health}" + (f" ({why})" if why else "")
    return CheckResult(CheckStatus.L7OK if up else CheckStatus.L7STS, 0, told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectAgent(Step):
    """Reads the line. `orders` is handed in by whoever builds the balancer."""

    orders: Orders | None = None

    def make(self, build: Build) -> Act:
        empty = CheckResult(CheckStatus.L7RSP, -1, f"TCPCHK got an empty response at step {self.number}")

        def expect(run: Run) -> Verdict:
            if run.whole and not run.buffer:
                return empty
            end = _END.search(run.buffer)
            if end is None:
                return WAIT
            wish = read_line(run.buffer[: end.start()].decode("latin-1"))
            warning = obey(wish, run.server, self.orders) if self.orders is not None else ""
            return verdict(wish, warning)

        return expect


def agent_ruleset(send: str, orders: Orders) -> Ruleset:
    """The steps of an agent check that says `send` at first."""
    said = (Send(number=1, text=send),) if send else ()
    return Ruleset("agent-check", (Connect(default=True), *said, ExpectAgent(number=2, orders=orders)))
