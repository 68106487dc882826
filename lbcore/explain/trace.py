"""Rules that tell what they see: the same conditions and actions, with somebody looking over their shoulder.

`Recorder.instrument(settings)` replaces the rules of all proxies before a balancer is built from them. What is
compiled of them then decides as before, and writes a `Step` for each rule that is met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lbcore.cfg.diagnostics import readable
from lbcore.proxy.settings import PersistRule, ProxySettings, Settings
from lbcore.sample.acl import Condition, Seen
from lbcore.sample.build import Build
from lbcore.sample.expression import Bind
from lbcore.sample.points import Point
from lbcore.sample.types import Addr
from lbcore.stream.rules import ACCEPT, Close, Outcome, Reply, Rule, RuleLists, Run, SwitchMode, Wait
from lbcore.stream.txn import Txn

Met = Callable[[bool, list[Seen]], None]
NOT_ALIVE = "it moves the client's connection, of which there is none here: the address stays as it was"
_MOVES = frozenset({"set-src", "set-dst", "set-src-port", "set-dst-port"})


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a rule changed; None: it was not there, or is not any more."""

    what: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Step:
    """A rule that was met. `result` is what it came to, "" if the next one goes on; `note` what can't be shown."""

    proxy: str
    kind: str  # "frontend", "backend", "listen"
    ruleset: str  # "http-request", "use_backend", ...
    where: str
    text: str
    condition: str
    held: bool
    acls: list[Seen]
    name: str = ""  # of the backend or server that the rule chooses, once known
    changes: list[Change] = field(default_factory=list)
    result: str = ""
    note: str = ""


class Recorder:
    """The steps of one request, in their order."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.last: Snapshot | None = None  # what the last rule left

    def instrument(self, settings: Settings) -> None:
        """Has all rules of a configuration tell. To be called once, before a balancer is built of it."""
        for proxy in settings.proxies:
            if proxy.rules is not None:
                self._rules(proxy, proxy.rules)
            proxy.persist_rules = tuple(self._persist(proxy, rule) for rule in proxy.persist_rules)

    def _rules(self, proxy: ProxySettings, rules: RuleLists) -> None:
        rules.lists = {
            ruleset: [self._rule(proxy, ruleset.value, rule) for rule in listed]
            for ruleset, listed in rules.lists.items()
        }
        rules.redirects = [self._rule(proxy, "redirect", rule) for rule in rules.redirects]
        rules.use_backend = [self._chooser(proxy, "use_backend", rule) for rule in rules.use_backend]
        rules.use_server = [self._chooser(proxy, "use-server", rule) for rule in rules.use_server]
        rules.monitor_fail = [self._standing(proxy, "monitor fail", condition) for condition in rules.monitor_fail]

    def _persist(self, proxy: ProxySettings, rule: PersistRule) -> PersistRule:
        word = "force-persist" if rule.force else "ignore-persist"
        return replace(rule, condition=self._standing(proxy, word, rule.condition))

    def _standing(self, proxy: ProxySettings, word: str, condition: Condition) -> Condition:
        """The condition of a line that is no rule of a list."""
        return self._condition(condition, self._step(proxy, word, condition.where, condition))

    def _rule(self, proxy: ProxySettings, kind: str, rule: Rule) -> Rule:
        begin = self._step(proxy, kind, rule.where, rule.condition, rule.text)
        action = _Told(rule.action, self, begin.where)
        return replace(rule, action=action, condition=self._condition(rule.condition, begin))

    def _chooser(self, proxy: ProxySettings, kind: str, rule: Any) -> Any:
        """A rule of `use_backend` or `use-server`."""
        constant = isinstance(rule.name, str)
        name = rule.name if constant else rule.name.text
        begin = self._step(proxy, kind, f"{rule.file}:{rule.line}", rule.condition, name)
        begin.name = rule.name if constant else ""
        told = rule.name if constant else _Named(rule.name, self, begin.where)
        return replace(rule, name=told, condition=self._condition(rule.condition, begin))

    def _step(
        self, proxy: ProxySettings, ruleset: str, where: str, condition: Condition | None, text: str = ""
    ) -> Step:
        """The step that a rule will write when it is met."""
        asked = readable(condition.text) if condition is not None else ""
        text = readable(text)
        whole = text if text.startswith(ruleset) else " ".join(filter(None, (ruleset, text, asked)))
        return Step(proxy.name, proxy.kind, ruleset, where, whole, asked, False, [])

    def _condition(self, condition: Condition | None, step: Step) -> Condition:
        """The condition, which begins the rule's step when it is asked."""

        def met(held: bool, seen: list[Seen]) -> None:
            self.steps.append(replace(step, held=held, acls=seen, changes=[]))

        if condition is None:
            return _Asked(met, Condition(True, [], "", step.where, Point(0), False))
        return _Asked(met, condition)

    def at(self, where: str) -> Step:
        """The step of the rule that is being carried out."""
        return next(step for step in reversed(self.steps) if step.where == where)


class _Asked(Condition):
    """A condition that says when it was asked. Without alternatives, and `unless`, it always holds."""

    def __init__(self, met: Met, told: Condition) -> None:
        super().__init__(told.unless, told.alternatives, told.text, told.where, told.point, told.inline)
        self.met = met

    @property
    def single(self) -> None:
        """Nobody may ask its test in place of it."""
        return None

    def source(self, build: Build, bind: Bind) -> str:
        trace, met = self.trace(build), self.met

        def asked(t: Txn) -> bool:
            held, seen = trace(t)
            met(held, seen)
            return held

        return f"{bind(asked, 'asked')}(t)"


class _Told:
    """An action that writes down what it changed and what it came to (`lbcore.stream.rules.ActionSpec`)."""

    def __init__(self, action: Any, recorder: Recorder, where: str) -> None:
        self.name = action.name
        self.mutates = action.mutates
        self.waits = action.waits
        self._action = action
        self._recorder = recorder
        self._where = where

    def describe(self) -> str:
        return str(self._action.describe())

    def make(self, build: Build) -> Run:
        return self._told(self._action.make(build))

    def _told(self, run: Run) -> Run:
        def told(t: Txn) -> Outcome | None:
            step = self._recorder.at(self._where)
            before = snapshot(t)
            outcome = run(t)
            self._recorder.last = after = snapshot(t)
            step.changes += changes(before, after)
            step.result = "; ".join(filter(None, (step.result, describe(outcome))))
            if self.name in _MOVES and not step.changes:
                step.note = NOT_ALIVE
            if isinstance(outcome, Wait) and outcome.then is not None:
                return replace(outcome, then=self._told(outcome.then))
            return outcome

        return told


class _Named:
    """The computed name of a backend or server, written down when it is computed."""

    def __init__(self, name: Any, recorder: Recorder, where: str) -> None:
        self._name = name
        self._recorder = recorder
        self._where = where

    def make(self, build: Build) -> Callable[[Txn], str]:
        name = self._name.make(build)

        def told(t: Txn) -> str:
            found: str = name(t)
            self._recorder.at(self._where).name = found
            return found

        return told


def describe(outcome: Outcome | None) -> str:
    """What an action came to, in words; "" if the next rule follows."""
    if outcome is None:
        return ""
    if outcome is ACCEPT:
        return "ends these rules, processing goes on"
    if isinstance(outcome, Reply):
        after = f" after {outcome.tarpit} ms" if outcome.tarpit else ""
        return f"answers with {outcome.status}{after}"
    if isinstance(outcome, Close):
        return {"close": "closes the connection", "reset": "resets the connection"}.get(
            outcome.how, "drops the connection silently"
        )
    if isinstance(outcome, Wait):
        what = {"pause": "waits", "body": "waits for the body"}.get(outcome.what, "waits for more data")
        return f"{what}, {outcome.ms} ms at most" if outcome.ms and outcome.what != "pause" else _pause(what, outcome)
    return "goes on in mode http" if isinstance(outcome, SwitchMode) else type(outcome).__name__.lower()


def _pause(what: str, outcome: Wait) -> str:
    return f"{what} {outcome.ms} ms" if outcome.ms else what


# --- what a transaction is like, before and after ---

_HEADERS = " header "  # in names of facts: what several fields may share


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What rules may change: single facts by name, and the fields of each message."""

    facts: dict[str, str]
    fields: dict[str, list[tuple[str, str]]]


def snapshot(t: Txn) -> Snapshot:
    """The transaction as it is now."""
    facts: dict[str, str] = {}
    fields: dict[str, list[tuple[str, str]]] = {}
    session = t.session
    for name, address, port in (("src", session.src, session.sport), ("dst", session.dst, session.dport)):
        facts[name] = f"{address}:{port}"
    if t.req is not None:
        facts |= {"method": t.req.method, "target": t.req.target}
        fields["request"] = list(t.req.items())
        if t.req.body is not None:
            facts["body"] = f"{len(t.req.body)} bytes are here"
    if t.res is not None:
        facts["status"] = f"{t.res.status} {t.res.reason}"
        fields["response"] = list(t.res.items())
    for scope, values in (("proc", t.world.proc_vars.snapshot()), ("sess", session.vars), ("txn", t.vars),
                          ("req", t.req_vars), ("res", t.res_vars)):  # fmt: skip
        facts |= {f"var({scope}.{name})": shown(value) for name, value in values.items()}
    facts |= {name: shown(getattr(t, attribute)) for name, attribute in _FLAGS if getattr(t, attribute) is not None}
    for name, captures in (("request", t.captures_req), ("response", t.captures_res)):
        for at, capture in enumerate(captures or ()):
            if capture is not None:
                facts[f"{name} capture {at}"] = shown(capture)
    return Snapshot(facts, fields)


_FLAGS = (("log level", "log_level"), ("retries of layer 7 off", "no_retry"), ("strict mode", "strict"))


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """What is different, facts first."""
    found = [
        Change(name, before.facts.get(name), after.facts.get(name))
        for name in {**before.facts, **after.facts}
        if before.facts.get(name) != after.facts.get(name)
    ]
    for name in {**before.fields, **after.fields}:
        found += field_changes(name, before.fields.get(name, []), after.fields.get(name, []))
    return found


def field_changes(message: str, before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[Change]:
    """The fields of a message that went, came, or got another value; `message` is "request" or "response"."""
    gone, come = (
        list((Counter(before) - Counter(after)).elements()),
        list((Counter(after) - Counter(before)).elements()),
    )
    found = []
    for name, value in gone:
        other = next((one for one in come if one[0] == name), None)
        if other is not None:
            come.remove(other)
        found.append(Change(f"{message} header {name}", shown(value), None if other is None else shown(other[1])))
    return found + [Change(f"{message} header {name}", None, shown(value)) for name, value in come]


def shown(value: Any) -> str:
    """A value as people read it: texts in quotes, bytes in hexadecimal."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Addr):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return f'"{printable(value)}"' if isinstance(value, str) else str(value)


def printable(text: str) -> str:
    """Text of the wire on a terminal: bytes that are UTF-8 as they are, control characters escaped."""
    readable = text.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in readable)
