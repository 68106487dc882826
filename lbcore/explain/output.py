"""An explanation as text for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from lbcore.cfg.diagnostics import readable
from lbcore.explain.explanation import Explanation, Received, ServerChance
from lbcore.explain.trace import Change, Step, printable, shown
from lbcore.sample.types import Addr

BODY_SHOWN = 400  # characters of a body


def as_text(found: Explanation) -> Iterator[str]:
    """The lines of an explanation, the way the request goes."""
    bind = f", bind {found.bind}" if found.bind else ""
    yield f"{found.request}"
    yield f"  from {found.src} to {found.dst} (frontend {found.frontend}{bind})"
    for (kind, proxy), steps in groupby(found.steps, lambda step: (step.kind, step.proxy)):
        yield ""
        yield f"{kind} {proxy}"
        for step in steps:
            yield from (f"  {line}" for line in _step(step))
    yield ""
    yield from _outcome(found)


def _step(step: Step) -> Iterator[str]:
    yield f"{step.where}: {step.text}"
    for text, value, matched in step.acls:
        yield f"    {readable(text)}: {shown(value)}, {'matches' if matched else 'does not match'}"
    if not step.held:
        yield "    not applied"
        return
    yield from (f"    {_change(change)}" for change in step.changes)
    came_to = "; ".join(filter(None, (f"chooses '{step.name}'" if step.name else "", step.result)))
    yield f"    applied{f': {came_to}' if came_to else ''}"
    if step.note:
        yield f"    {step.note}"


def _change(change: Change) -> str:
    if change.before is None:
        return f"{change.what}: {printable(change.after or '')} (new)"
    if change.after is None:
        return f"{change.what}: {printable(change.before)} -> gone"
    return f"{change.what}: {printable(change.before)} -> {printable(change.after)}"


_ENDS = {
    "close": "the connection is closed without an answer",
    "reset": "the connection is reset",
    "drop": "the connection is dropped: the client is told nothing",
    "http": "the connection goes on in mode http",
}


def _outcome(found: Explanation) -> Iterator[str]:
    if found.outcome in _ENDS:
        state = f" (termination state {found.termination})" if found.termination else ""
        yield f"outcome: {_ENDS[found.outcome]}{state}"
    elif found.outcome == "reply":
        state = f" (termination state {found.termination})" if found.termination else ""
        yield f"outcome: answered with {found.status}{state}{f', {found.problem}' if found.problem else ''}"
        yield from _message(found.head, found.body)
    else:
        yield f"backend {found.backend} ({found.backend_by}), balance {found.balance}"
        yield from (f"  {_server(server)}" for server in found.servers)
        if found.aside:
            yield f"  {found.aside}: {'not chosen' if any(server.chosen for server in found.servers) else 'chosen'}"
        elif not any(server.eligible for server in found.servers):
            yield "  no server is eligible: the request waits in the queue, then is answered with 503"
        if found.head:
            if found.by_options:
                yield "changed by other lines than rules"
                yield from (f"  {_change(change)}" for change in found.by_options)
            yield "request that is sent"
            yield from _message(found.head, found.body)
    if found.response is not None:
        yield from _response(found.response)
    if found.later:
        yield "rules that the response will meet"
        yield from (f"  {line}" for line in found.later)


def _response(response: Received) -> Iterator[str]:
    if response.outcome in _ENDS:
        yield f"response: {_ENDS[response.outcome]}"
        return
    yield "response that is sent" if response.outcome == "forward" else "response that is sent in its place"
    yield from _message(response.head, response.body)


def _server(server: ServerChance) -> str:
    parts = [f"server {server.name} {server.address}", server.state, f"weight {server.weight}"]
    if server.cookie is not None:
        parts.append(f"cookie {server.cookie}")
    if server.backup:
        parts.append("backup")
    verdict = "chosen" if server.chosen else "eligible" if server.eligible else "not eligible"
    return f"{', '.join(parts)}: {verdict}{f' ({server.why})' if server.why else ''}"


def _message(head: str, body: str) -> Iterator[str]:
    if not head:
        return
    for line in head.removesuffix("\r\n").split("\r\n"):
        yield f"  {printable(line)}".rstrip()
    yield from (f"  {printable(line)}".rstrip() for line in body[:BODY_SHOWN].splitlines())
    if len(body) > BODY_SHOWN:
        yield f"  ... ({len(body)} bytes)"


def as_json(found: Explanation) -> str:
    """The fields of an `Explanation` by their names; samples as JSON has them, bytes in hexadecimal."""
    whole = asdict(found)
    for step in whole["steps"]:
        step["acls"] = [
            {"acl": readable(text), "value": _value(value), "matched": matched} for text, value, matched in step["acls"]
        ]
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _value(value: Any) -> Any:
    if isinstance(value, Addr):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
