"""`http-check send`: the request of a health check (manual 4.2 "http-check send", "option httpchk")."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lbcore.check.steps import Act, Step, Text, Verdict, is_constant, text_of
from lbcore.sample.build import Build

if TYPE_CHECKING:
    from lbcore.check.run import Run

STATE_HEADER = "x-haproxy-server-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSend(Step):
    """A request. One of HTTP/1.1 says that the connection ends with it, unless the connection may go back to those of
    streams afterwards (`Run.pool`)."""

    method: str = "OPTIONS"
    uri: Text = "/"
    version: str = "HTTP/1.0"
    headers: tuple[tuple[str, Text], ...] = ()
    body: Text = ""
    send_state: bool = False
    given: frozenset[str] = frozenset()  # the fields that its line names

    @property
    def told(self) -> str:
        return "send"

    def make(self, build: Build) -> Act:
        texts = [self.uri, self.body, *(value for _, value in self.headers)]
        if not self.send_state and all(is_constant(text) for text in texts):
            words = [text if isinstance(text, str) else text.constant or "" for text in texts]
            data, kept = self._written(*words), self._written(*words, keeps=True)
            return lambda run: run.send(data if run.pool is None else kept, last=not self.may_persist)
        makers = [text_of(text, build) for text in texts]
        node = str(build.facts().node)

        def send(run: Run) -> Verdict:
            state = state_of(run.server, node) if self.send_state else None
            data = self._written(*(make(run) for make in makers), state=state, keeps=run.pool is not None)
            run.send(data, last=not self.may_persist)
            return None

        return send

    @property
    def may_persist(self) -> bool:
        """Whether the connection may go on after the response, if nothing but that decides."""
        said = any(name.lower() == "connection" for name, _ in self.headers)
        return self.version == "HTTP/1.1" and not said

    def _written(self, uri: str, body: str, *values: str, state: str | None = None, keeps: bool = False) -> bytes:
        fields = [(name.lower(), value) for (name, _), value in zip(self.headers, values, strict=True)]
        known = dict(fields)
        fields = [field for field in fields if field[0] not in _OURS and field != _KEPT]
        if state is not None:
            fields.append((STATE_HEADER, state))
        if body or self.method in _WITH_BODY:
            fields.append(("content-length", str(len(body))))
        if self.version == "HTTP/1.1" and "connection" not in known and not keeps:
            fields.append(("connection", "close"))
        lines = [f"{self.method} {_addressed(uri, known.get('host'))} {self.version}"]
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join([*lines, "", body]).encode("latin-1")


_OURS = ("content-length", "transfer-encoding")
_KEPT = ("connection", "keep-alive")  # goes without saying
_WITH_BODY = ("POST", "PUT", "PATCH")  # say that there is none (RFC 9110 8.6)


def _addressed(uri: str, host: str | None) -> str:
    """An absolute `uri` names the same host as the field does."""
    scheme, mark, rest = uri.partition("://")
    if host is None or not mark or uri.startswith("/"):
        return uri
    return f"{scheme}://{host}{rest[len(rest.partition('/')[0]) :]}"


def state_of(server: Any, node: str) -> str:
    """How the balancer sees a server (manual 4.2 "http-check send-state")."""
    backend, where = server.backend, server.settings.address
    unix = where.family == socket.AF_UNIX
    return (
        f"{server.status}; address={'unix' if unix else where.host}; port={'unix' if unix else where.port}; "
        f"name={server.label}; node={node}; weight={server.uweight}/{backend.total_uweight}; "
        f"scur={server.cur_sess}/{backend.cur_sess}; qcur={server.queue}"
    )
