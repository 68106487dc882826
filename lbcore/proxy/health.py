"""What checks find out about a server: the results, and how many of them it takes.

`check/` makes a `CheckResult` of what it saw and hands it to `States.report`, which counts it in the `CheckState` of
that server and kind of check. Statuses, their texts and the rules of counting are HAProxy's (manual 5.2 "rise", "fall",
"check"; management guide 9.1, columns 36 to 38 and 66 to 78).

A server goes up after `rise` good checks in a row and down after `fall` bad ones; `health` counts both:

    0 ........ rise-1    rise ...... rise+fall-1
    DOWN 0/rise..        UP 1/fall .. fall/fall

A result against the present side moves it by one, one beyond the border to the end of the other side.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from lbcore.base.address import Address
from lbcore.proxy.settings import InitState


class Outcome(IntEnum):
    """What a result says of a server; the numbers are those of `srv_check_result` in `show servers state`."""

    UNKNOWN = 0  # nothing
    NEUTRAL = 1  # it was only a message
    FAILED = 2
    PASSED = 3
    CONDPASS = 4  # it works, but takes no new clients ("http-check disable-on-404")


class CheckStatus(IntEnum):
    """Where a check ended; the numbers are those of `srv_check_status` in `show servers state`."""

    UNKNOWN = 0
    INI = 1  # no check is over yet
    START = 2  # one runs; never the status of a result
    CHECKED = 3  # it was made, and says nothing of health: an agent's that only gives orders
    HANA = 4  # `observe` has seen too many errors
    SOCKERR = 5
    L4OK = 6
    L4TOUT = 7
    L4CON = 8
    L6OK = 9
    L6TOUT = 10
    L6RSP = 11
    L7TOUT = 12
    L7RSP = 13
    L7OK = 15
    L7OKC = 16
    L7STS = 17
    PROCERR = 18
    PROCTOUT = 19
    PROCOK = 20

    @property
    def text(self) -> str:
        """What logs and the page say: `Layer4 connection problem`."""
        return _ROWS[self].text

    @property
    def outcome(self) -> Outcome:
        """What a check that ended so says of the server."""
        return _ROWS[self].outcome

    @property
    def is_final(self) -> bool:
        """Whether it tells of a check that is over."""
        return self > CheckStatus.START

    @property
    def has_code(self) -> bool:
        """Whether the server answered in such a way that a code of its answer is told."""
        return self >= CheckStatus.L7OK


class _Row(NamedTuple):
    outcome: Outcome
    text: str


_ROWS: Final = {
    CheckStatus.UNKNOWN: _Row(Outcome.UNKNOWN, "Unknown"),
    CheckStatus.INI: _Row(Outcome.UNKNOWN, "Initializing"),
    CheckStatus.START: _Row(Outcome.UNKNOWN, ""),
    CheckStatus.CHECKED: _Row(Outcome.NEUTRAL, "No status change"),
    CheckStatus.HANA: _Row(Outcome.FAILED, "Health analyze"),
    CheckStatus.SOCKERR: _Row(Outcome.FAILED, "Socket error"),
    CheckStatus.L4OK: _Row(Outcome.PASSED, "Layer4 check passed"),
    CheckStatus.L4TOUT: _Row(Outcome.FAILED, "Layer4 timeout"),
    CheckStatus.L4CON: _Row(Outcome.FAILED, "Layer4 connection problem"),
    CheckStatus.L6OK: _Row(Outcome.PASSED, "Layer6 check passed"),
    CheckStatus.L6TOUT: _Row(Outcome.FAILED, "Layer6 timeout"),
    CheckStatus.L6RSP: _Row(Outcome.FAILED, "Layer6 invalid response"),
    CheckStatus.L7TOUT: _Row(Outcome.FAILED, "Layer7 timeout"),
    CheckStatus.L7RSP: _Row(Outcome.FAILED, "Layer7 invalid response"),
    CheckStatus.L7OK: _Row(Outcome.PASSED, "Layer7 check passed"),
    CheckStatus.L7OKC: _Row(Outcome.CONDPASS, "Layer7 check conditionally passed"),
    CheckStatus.L7STS: _Row(Outcome.FAILED, "Layer7 wrong status"),
    CheckStatus.PROCERR: _Row(Outcome.FAILED, "External check error"),
    CheckStatus.PROCTOUT: _Row(Outcome.FAILED, "External check timeout"),
    CheckStatus.PROCOK: _Row(Outcome.PASSED, "External check passed"),
}

NO_CODE: Final = -1


class CheckResult(NamedTuple):
    """How one check ended."""

    status: CheckStatus
    code: int = NO_CODE  # the server's answer as a number (status of HTTP, of SMTP, ...)
    info: str = ""  # in the words of the system or of the server; "" if there is nothing to say
    duration_ms: int = -1  # -1: nothing was measured
    outcome_is: Outcome | None = None  # where a rule says something else than the status does

    @property
    def outcome(self) -> Outcome:
        """What it says of the server."""
        return self.status.outcome if self.outcome_is is None else self.outcome_is

    @property
    def told_code(self) -> int:
        """The code as people are told it. A program that was ended by a signal has -1."""
        return self.code if self.status is CheckStatus.PROCERR else max(self.code, 0)

    def describe(self) -> str:
        """The part of a log line that tells it: `, reason: <text>[, code: <n>][, info: "<info>"]
        [, check duration: <n>ms]`."""
        told = f", reason: {self.status.text}"
        if self.status.has_code:
            told += f", code: {self.told_code}"
        if self.info:
            told += f', info: "{_quotable(self.info)}"'
        if self.duration_ms >= 0:
            told += f", check duration: {self.duration_ms}ms"
        return told


def _quotable(info: str) -> str:
    """`info` between quotes: what is not printable ASCII, and `<`, `>`, `"`, as `<XX>` in hexadecimal."""
    if info.isascii() and info.isprintable() and not _SPECIAL.intersection(info):
        return info
    octets = info.encode("utf-8", "surrogateescape")
    return "".join(chr(c) if 0x20 <= c < 0x7F and chr(c) not in _SPECIAL else f"<{c:02X}>" for c in octets)


_SPECIAL: Final = frozenset('<>"')

NOTHING_YET: Final = CheckResult(CheckStatus.INI)


class Turn(Enum):
    """What one result amounts to, once it was counted."""

    NONE = "nothing new"
    UP = "the server has passed as often as it must"
    DOWN = "it has failed as often as it may"
    STOPPING = "it has passed, but takes no new clients"


class CheckState:
    """What is known of one kind of check of one server: `server.check`, `server.agent`.

    Made by `check/` before the threads start. Written under the server's lock by `States` alone, `enabled` and the
    times too; read by anyone, a figure at a time.
    """

    __slots__ = (
        "agent",
        "changed_at",
        "downinter",
        "enabled",
        "failed",
        "fall",
        "fastinter",
        "health",
        "hurry",
        "inter",
        "last",
        "paused",
        "retarget",
        "rise",
        "running",
        "say",
        "where",
    )

    def __init__(
        self,
        *,
        rise: int = 2,
        fall: int = 3,
        inter: int = 2000,
        fastinter: int = 0,
        downinter: int = 0,
        agent: bool = False,
        where: str = "",
    ) -> None:
        """`rise`, `fall`: results in a row, at least 1. Times are ms; `fastinter`, `downinter` 0: as `inter`. `where`:
        host and port that are checked, for the page."""
        self.rise = rise
        self.fall = fall
        self.inter = inter
        self.fastinter = fastinter
        self.downinter = downinter
        self.agent = agent
        self.where = where
        self.enabled = True  # "disable health", "disable agent" clear it
        self.paused = False  # the server is in maintenance
        self.running = False  # a check is on its way; set and cleared by `check/`
        self.health = rise  # up, but one failure takes it down
        self.last = NOTHING_YET
        self.failed = 0  # results that took health away
        self.changed_at = time.monotonic()
        # Asks for the next check in so many ms at most. Set by `check/`; called with no lock held.
        self.hurry: Callable[[int], None] = lambda ms: None
        # Has the next check connect to an address (None: the server's) and a port (0: that of the address), and tell
        # the agent a text. Set by `check/`; called at the sync point.
        self.retarget: Callable[[Address | None, int], None] = lambda addr, port: None
        self.say: Callable[[str], None] = lambda text: None

    def begin(self, state: InitState) -> None:
        """Takes the server for what `state` says, until checks say more. The server's lock must be held."""
        self.health = _BEGINNINGS[state](self)

    @property
    def passing(self) -> bool:
        """Whether it says that the server works."""
        return self.health >= self.rise

    @property
    def top(self) -> int:
        """The health of a server that has not failed lately."""
        return self.rise + self.fall - 1

    @property
    def due(self) -> bool:
        """Whether checks are to be made now."""
        return self.enabled and not self.paused

    def interval(self, *, stopped: bool) -> int:
        """ms from one check to the next; `stopped`: the server is in `Op.STOPPED` (manual 5.2, "inter")."""
        if self.health == self.top:
            return self.inter
        if stopped and not self.health:
            return self.downinter or self.inter
        return self.fastinter or self.inter

    def progress(self) -> str:
        """`2/3`: how far from the change of its side it is."""
        if self.passing:
            return f"{self.health - self.rise + 1}/{self.fall}"
        return f"{self.health}/{self.rise}"

    def count(self, result: CheckResult) -> tuple[Turn, bool]:
        """Counts a result: what it amounts to, and whether it moved the health. The server's lock must be held.

        An agent that cannot be reached says nothing of the server: only what it answered counts as a failure.
        """
        self.last = result
        if result.outcome is Outcome.FAILED:
            return self._failed(result)
        if result.outcome in (Outcome.PASSED, Outcome.CONDPASS):
            return self._passed(result)
        return Turn.NONE, False

    def _failed(self, result: CheckResult) -> tuple[Turn, bool]:
        if self.agent and not result.status.has_code:
            return Turn.NONE, False
        moved = self.health > 0
        if moved:
            self.failed += 1
            self.health -= 1
            if self.health < self.rise:
                self.health = 0
        if self.health or (self.agent and result.status is not CheckStatus.L7STS):
            return Turn.NONE, moved
        return Turn.DOWN, moved

    def _passed(self, result: CheckResult) -> tuple[Turn, bool]:
        moved = self.health < self.top
        if moved:
            self.health += 1
            if self.health >= self.rise:
                self.health = self.top
        if not self.passing:
            return Turn.NONE, moved
        return Turn.STOPPING if result.outcome is Outcome.CONDPASS else Turn.UP, moved


_BEGINNINGS: Final[dict[InitState, Callable[[CheckState], int]]] = {
    InitState.FULLY_UP: lambda check: check.top,
    InitState.UP: lambda check: check.rise,
    InitState.DOWN: lambda check: check.rise - 1,
    InitState.FULLY_DOWN: lambda check: 0,
}
