"""One check on its way: the steps of a ruleset, and the connection that they work on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from lbcore.check.begun import not_begun
from lbcore.check.steps import WAIT, Act, Comment, Ruleset, Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_var import SetVar, UnsetVar
from lbcore.conn.applet import Outgoing
from lbcore.conn.pooled import Pool
from lbcore.event.worker import Worker
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.sample.build import Build

INFO_MAX = 127  # bytes
_SILENT = (Comment, SetVar, UnsetVar)  # steps that a server does not notice


def _told(info: str) -> str:
    """What is kept of an info, whose characters are the bytes of the wire: as text, up to the first null."""
    octets = info.encode("latin-1", "replace").split(b"\0", 1)[0][:INFO_MAX]
    return octets.decode("utf-8", "surrogateescape")


class Program:
    """A ruleset, ready to be run. Shared by all servers of a proxy; never changes."""

    __slots__ = ("acts", "connects_only", "praise", "ruleset", "steps")

    def __init__(self, ruleset: Ruleset, build: Build) -> None:
        """Raises BuildError."""
        self.ruleset = ruleset
        self.steps: Sequence[Step] = ruleset.steps
        self.acts: Sequence[Act] = [step.make(build) for step in ruleset.steps]
        last = next((step for step in reversed(ruleset.steps) if not isinstance(step, _SILENT)), None)
        self.connects_only = last is None or isinstance(last, Connect)
        self.praise = "(tcp-check)" if ruleset.verbose and last is not None and last.number else ""  # if it passes

    def place(self, step: Step) -> str:
        """Where in the ruleset something went wrong; "" if nobody wrote that one down."""
        if not self.ruleset.verbose:
            return ""
        if not step.number:
            return " at initial connection step of tcp-check"
        told = f" at step {step.number} of tcp-check"
        if step.told:
            told += f" ({step.told})"
        return f"{told} comment: '{step.comment}'" if step.comment else told


class Run:
    """Goes through a program once, and tells `over` what came of it: the last thing it does. Belongs to its worker.

    `server` is the one that is checked, `target` says where (`lbcore.check.target.Target`), `expire(ms)` sets the time
    limit, `transaction` makes what expressions look at.
    """

    __slots__ = ("_at", "_connect_at", "_fresh", "_last", "_limits", "_looked_at", "_to", "_wire", "answer", "buffer",
                 "code", "connecting", "expire", "info", "limit", "over", "pool", "program", "server", "status",
                 "target", "transaction", "whole", "worker")  # fmt: skip

    def __init__(
        self,
        program: Program,
        worker: Worker,
        server: Any,
        target: Any,
        *,
        limits: tuple[int, int],
        bufsize: int,
        expire: Callable[[int], None],
        over: Callable[[CheckResult], None],
        transaction: Callable[[Worker, Any], Any],
    ) -> None:
        """`limits`: ms that a connection may take, and that all the rest may from there on (0: as if it were none)."""
        self.program = program
        self.worker = worker
        self.server = server
        self.target = target
        self.limit = bufsize
        self.expire = expire
        self.over = over
        self.transaction = transaction
        self.buffer = b""  # what the server has said since we last did
        self.answer: Any = None  # the same as a response of HTTP, once somebody has read it as such
        self.whole = False  # no more of it will come
        self.connecting = False
        self.status = CheckStatus.L7OK  # if all steps are passed
        self.code = -1
        self.info = program.praise
        self.pool: Pool | None = None  # where the connection may go when the check is over
        self._fresh = False  # no idle connection will do
        self._last = True  # the peer was told, or will take it so, that the connection ends with the answer
        self._limits = limits
        self._at = 0
        self._connect_at = 0
        self._wire: Outgoing | None = None
        self._to: Any = None  # with a pool: the server's address when the connection was begun
        self._looked_at: Any = None

    # --- what steps ask for ---

    def connect(
        self, conf: Any, preface: Callable[[Outgoing], bytes] | None, pool: Pool | None = None
    ) -> CheckResult | None:
        """Opens a connection instead of the present one, or takes one from the `pool`; the check is over if it fails at
        once."""
        self.close()
        self.pool = pool
        self.heard_nothing()
        self._connect_at = self._at
        self._to = None if pool is None else self.server.settings.address
        try:
            self._wire = Outgoing(self.worker, conf, 0, self, None if self._fresh else pool)
        except OSError as error:
            status, text = not_begun(error.errno or 0, conf)
            return CheckResult(status, -1, text + self.program.place(self._step))
        self.connecting = True
        self.expire(self._limits[0])
        if preface is not None:
            self._wire.put(preface(self._wire))
        return None

    def send(self, data: bytes, *, last: bool = True) -> None:
        """Says something; what was heard before is forgotten. `last`: nothing can be said behind the answer."""
        self.heard_nothing()
        self._last = last
        if self._wire is not None:
            self._wire.put(data)

    def heard_nothing(self) -> None:
        """Forgets the answer."""
        self.buffer = b""
        self.answer = None

    @property
    def wire(self) -> Outgoing | None:
        """The connection, None if there is none."""
        return self._wire

    @property
    def looked_at(self) -> Any:
        """The transaction that expressions are evaluated on: what is here of the answer now."""
        t = self._looked_at
        if t is None:
            t = self._looked_at = self.transaction(self.worker, self.server)
        t.look(self.buffer, self.whole, self.answer)
        return t

    # --- going on ---

    @property
    def _step(self) -> Step:
        """The one that it stands at, the last one once all are done."""
        steps = self.program.steps
        return steps[min(self._at, len(steps) - 1)]

    def go(self) -> None:
        """Carries out as many steps as it can."""
        acts = self.program.acts
        while self._at < len(acts):
            found = acts[self._at](self)
            if found is WAIT:
                return
            if found is not None:
                self._finish(found)
                return
            self._at += 1
        if not self.connecting:
            status = CheckStatus.L4OK if self.program.connects_only else self.status
            self._finish(CheckResult(status, max(self.code, 0) if status.has_code else -1, self.info))

    def late(self) -> None:
        """Its time is up."""
        if self.connecting:
            step, status = self.program.steps[self._connect_at], CheckStatus.L4TOUT
        else:
            step = self._step
            status = step.waits_as() or CheckStatus.L7TOUT
        self._finish(CheckResult(status, -1, self.program.place(step)))

    def close(self) -> None:
        """Closes the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        self.connecting = self.whole = False

    def _lend(self) -> None:
        """Leaves the connection to streams, if it is theirs and nothing more will come of the check."""
        answer = self.answer
        if self._wire is None or self.pool is None or self._last or self.connecting or self.whole:
            return
        if answer is not None and answer.persists and self._to is self.server.settings.address:
            self._wire.lend(self.pool)
            self._wire = None

    def _again(self) -> bool:
        """Begins anew, with a connection of its own, if an idle one has ended before a word of the answer: that it was
        idle for too long says nothing of the server."""
        if self._wire is None or not self._wire.borrowed or self.buffer or self._fresh:
            return False
        self.close()
        self._fresh = True
        self._at = 0
        self.go()
        return True

    def _finish(self, result: CheckResult) -> None:
        self._lend()
        self.close()
        self.over(result._replace(info=_told(result.info)))

    # --- what the connection tells ---

    def connected(self, error: int) -> None:
        if error:
            self._wire = None
            step = self.program.steps[self._connect_at]
            self._finish(self._broken(CheckStatus.L4CON, error, step))
            return
        self.connecting = False
        if self._limits[1]:
            self.expire(self._limits[1])
        self.go()

    def received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) >= self.limit:
            self.whole = True
        self.go()

    def ended(self) -> None:
        if self._again():
            return
        self.whole = True
        self.go()

    def drained(self) -> None:
        """Nobody waits for that."""

    def closed(self, error: int) -> None:
        if self._again():
            return
        self._wire = None
        heard = self.answer if self.program.ruleset.kind == "httpchk" else self.buffer
        if heard and not self.whole:  # what has come before counts: it may be all that was wanted
            self.whole = True
            self.go()
        else:
            self._finish(self._broken(CheckStatus.SOCKERR, error, self._step))

    # --- what is said of failures ---

    def _broken(self, status: CheckStatus, error: int, step: Step) -> CheckResult:
        return CheckResult(status, -1, os.strerror(error) + self.program.place(step))
