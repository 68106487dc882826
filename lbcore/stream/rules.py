"""Rules: what actions are, what they come to, and lists of them compiled into one function.

    spec = ACTIONS.find(ruleset, word).parse(words)      while the configuration is read
    run = spec.make(build)                               when the balancer is built
    outcome = run(txn)                                   for each message

An action that goes on returns None. One that ends its list returns an outcome: ACCEPT, or what becomes of the stream.
One that must wait returns a `Wait`; the list goes on with the next rule when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from lbcore.base.registry import Registry, RegistryError, Topics
from lbcore.sample.build import Build
from lbcore.sample.words import Words

if TYPE_CHECKING:
    from lbcore.stream.txn import Txn


class Ruleset(Enum):
    """The lists that rules stand in, by the words that begin their lines."""

    TCP_CONNECTION = "tcp-request connection"
    TCP_SESSION = "tcp-request session"
    TCP_CONTENT = "tcp-request content"
    TCP_RESPONSE = "tcp-response content"
    HTTP_REQUEST = "http-request"
    HTTP_RESPONSE = "http-response"
    HTTP_AFTER = "http-after-response"


class Outcome:
    """How a list of rules ended, or paused."""

    __slots__ = ()


class Accept(Outcome):
    """No further rule of this list is looked at; processing goes on."""

    __slots__ = ()


ACCEPT = Accept()


Pieces = Generator[tuple[bytes, bool], None, None]  # of a body: bytes, and whether more may follow


@dataclass(frozen=True, slots=True)
class Reply(Outcome):
    """We answer: `head` is a whole head in normal form (latin-1 text, ends with an empty line; Content-Length, if there
    is a body, is in it; Connection is the shim's business), `body` goes behind it.

    `term` is the termination state (two characters), `tarpit` the ms to wait before (0: at once), `close` whether the
    client's connection ends with it. `counted` names what it counts as: "denied_req", "denied_resp", "intercepted"
    (by a service), "unauthorized", or "" for a redirect, a return.

    `rest` makes what follows of the body while it is sent, as the client takes it; its head says "transfer-encoding:
    chunked" then. It is closed early if the client leaves. Only requests are answered so.
    """

    status: int
    head: str
    body: bytes = b""
    term: str = "LR"
    tarpit: int = 0
    close: bool = False
    counted: str = ""
    after: bool = True  # http-after-response rules apply to it
    # the request failed rather than was judged: the log has no time of it, nor of one in a tarpit
    failure: bool = False
    rest: Pieces | None = None
    served: bool = False  # by an applet: the log has times as of a server that had the response at once


@dataclass(frozen=True, slots=True)
class Close(Outcome):
    """The connection ends without an answer. `how` is "close", "reset", "drop" (silently, or by a reset that lives for
    `ttl` hops) or "server" (that connection ends, and the client's with it once it has what came). `status` is what the
    log says, 0: that there was none.
    """

    how: str = "close"
    term: str = "PR"
    counted: str = "denied_req"
    status: int = 0
    ttl: int = 0


GONE = Close("close", "CR", "")  # a client that left before its request was whole


@dataclass(frozen=True, slots=True)
class Wait(Outcome):
    """Ask again later: after `ms` ("pause"), when a body is there ("body": all of it, or `bytes` of it, or `ms`
    passed), or when more data came ("data", mode tcp).

    `then` is what to call when that is over, None: the next rule. After "data" all rules of the list are looked at
    anew, as in HAProxy.
    """

    what: str
    ms: int = 0
    bytes: int = 0
    then: Callable[[Txn], Outcome | None] | None = None


@dataclass(frozen=True, slots=True)
class SwitchMode(Outcome):
    """The connection goes on in mode http (`switch-mode http`)."""


Run = Callable[["Txn"], Outcome | None]


class ActionSpec(Protocol):
    """An action with its arguments, as read from its line.

    It may have `attach` and `check`, too: see `lbcore.action.spec.Spec`.
    """

    name: str  # as written: "set-header", "set-var"
    mutates: bool  # may change the message, or what fetches read of it
    waits: bool  # may return a Wait

    def make(self, build: Build) -> Run:
        """Compiled, over live objects. Raises BuildError."""

    def describe(self) -> str:
        """The action as it was written, for `lbcore explain`."""


@dataclass(frozen=True, slots=True)
class Action:
    """A word that rules may name.

    `parse` reads what follows the word up to `if`, `unless` or the end of the line, and raises ParseError. Of a
    `prefix` row only the word's beginning counts ("set-var" of "set-var(txn.x)"), of a `numbered` row what stands
    before the number ("track-sc" of "track-sc0"); `words.peek(-1)` is then the whole word. `since` is the lbcore
    version.
    """

    name: str
    rulesets: tuple[Ruleset, ...]
    parse: Callable[[Words, Ruleset], ActionSpec]
    doc: str
    prefix: bool = False
    since: str = "0.2"
    numbered: bool = False


class ActionTable:
    """The actions of each list of rules, whose files are imported with the first of their words that is asked for."""

    def __init__(self) -> None:
        self._topics = Topics("action")
        self._tables: dict[Ruleset, Registry[Action]] = {ruleset: Registry("action") for ruleset in Ruleset}

    def announce(self, package: str, topics: Mapping[str, Iterable[str]]) -> None:
        """Says which modules of a package have which words. Raises RegistryError if somebody has one already, or after
        `freeze()`."""
        self._topics.announce(package, topics)

    def freeze(self) -> None:
        """Ends announcements for good; may be called again."""
        self._topics.freeze()

    def register(self, *rows: Action) -> None:
        """Adds rows. Raises RegistryError if a word was not announced, or is claimed twice for a list."""
        for row in rows:
            if row.name not in self._topics:
                raise RegistryError(f"action '{row.name}' is not announced in the __init__ of its package")
            for ruleset in row.rulesets:
                self._tables[ruleset].add(row.name, row)

    def find(self, ruleset: Ruleset, word: str) -> Action | None:
        """The row that a word of a rule means, None if there is none."""
        row = self._get(ruleset, word)
        if row is not None:
            return row
        row = self._get(ruleset, word.partition("(")[0])
        if row is not None and row.prefix:
            return row
        row = self._get(ruleset, word.rstrip("0123456789"))
        return row if row is not None and row.numbered else None

    def _get(self, ruleset: Ruleset, name: str) -> Action | None:
        self._topics.load(name)
        return self._tables[ruleset].get(name)

    def names(self, ruleset: Ruleset) -> list[str]:
        """The words of a list, sorted. Imports all files of actions."""
        self._topics.load_all()
        return list(self._tables[ruleset])


ACTIONS = ActionTable()


@dataclass(slots=True)
class Rule:
    """One line. `condition` is a `lbcore.sample.acl.Condition`, None: always."""

    action: ActionSpec
    condition: Any
    file: str
    line: int
    text: str = ""  # the line as written

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class BackendRule:
    """A `use_backend` line: `name` is a backend's, or a log-format (`lbcore.sample.format.Format`) that gives it."""

    name: Any
    condition: Any
    file: str
    line: int


@dataclass(slots=True)
class ServerRule:
    """A `use-server` line; as BackendRule."""

    name: Any
    condition: Any
    file: str
    line: int


@dataclass(slots=True)
class RuleLists:
    """All rules of a proxy, in their order."""

    lists: dict[Ruleset, list[Rule]] = field(default_factory=dict)
    inherited: dict[Ruleset, int] = field(default_factory=dict)  # how many of each list come from a `defaults` section
    redirects: list[Rule] = field(default_factory=list)  # after all http-request rules, even an `allow`
    use_backend: list[BackendRule] = field(default_factory=list)
    use_server: list[ServerRule] = field(default_factory=list)
    inspect_delay: int | None = None  # ms, tcp-request inspect-delay
    response_inspect_delay: int | None = None  # tcp-response inspect-delay
    monitor_fail: list[Any] = field(default_factory=list)  # conditions of `monitor fail`: any of them

    def add(self, ruleset: Ruleset, rule: Rule) -> None:
        self.lists.setdefault(ruleset, []).append(rule)

    def of(self, ruleset: Ruleset) -> Sequence[Rule]:
        return self.lists.get(ruleset, ())

    @property
    def switches(self) -> bool:
        """Whether some connections go on in mode http (`switch-mode`)."""
        return any(rule.action.name == "switch-mode" for rule in self.of(Ruleset.TCP_CONTENT))

    @property
    def expects_headers(self) -> bool:
        """Whether some connections begin with headers of other proxies (`expect-proxy`, `expect-netscaler-cip`)."""
        return any(rule.action.name.startswith("expect-") for rule in self.of(Ruleset.TCP_CONNECTION))

    def own(self, ruleset: Ruleset) -> Sequence[Rule]:
        """Those of the section itself."""
        return self.of(ruleset)[self.inherited.get(ruleset, 0) :]
