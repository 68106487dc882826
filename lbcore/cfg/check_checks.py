"""Health checks, once the whole configuration is read: what options and lines come to, ports that are missing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lbcore.cfg.arguments import kind_word
from lbcore.proxy.settings import GlobalSettings, ProxySettings, ServerSettings

Tell = Callable[[str], None]
_GOOD = (range(200, 400),)  # statuses that pass where nothing is said of them
_UNPORTED = (socket.AF_UNIX,)


def check_checks(proxy: ProxySettings, globals_: GlobalSettings, alert: Tell, warn: Tell) -> None:
    """Makes the ruleset of a proxy; `alert` and `warn` are told what does not fit together."""
    _unused(proxy, warn)
    if not proxy.has_backend:
        return
    if proxy.check_kind == "external-check":
        _external(proxy, globals_, alert, warn)
    checked = [server for server in proxy.servers if server.check is not None]
    _agents(proxy, alert)
    if not checked and not proxy.check_kind:
        return
    # also where no server is checked yet: one may be added
    proxy.check_ruleset = _ruleset(proxy)
    for server in checked:
        _port(proxy, server, alert)
        _reuse(proxy, server, warn)


def _unused(proxy: ProxySettings, warn: Tell) -> None:
    """Lines of a proxy itself that its option makes no use of."""
    for kind, option in (("tcp-check", "tcp-check"), ("http-check", "httpchk")):
        if kind in proxy.places and proxy.check_kind != option:
            warn(
                f"{kind_word(proxy)} '{proxy.name}' uses {kind} rules without 'option {option}', so the rules are "
                "ignored."
            )
    for word in ("command", "path"):
        if f"external-check {word}" in proxy.places and proxy.check_kind != "external-check":
            warn(
                f"'external-check {word}' will be ignored for {kind_word(proxy)} '{proxy.name}' "
                "(requires 'option external-check')."
            )


def _external(proxy: ProxySettings, globals_: GlobalSettings, alert: Tell, warn: Tell) -> None:
    name = proxy.name
    if not globals_.external_check:
        alert(f"Proxy '{name}' : 'option external-check' unable to find required 'global.external-check'.")
    if not proxy.external_check.command:
        alert(f"Proxy '{name}' : 'option external-check' unable to find required 'external-check command'.")
    elif not proxy.external_check.command.startswith("/") and not proxy.external_check.path:
        warn(
            f"Proxy '{name}': 'external-check command' does not have a leading '/' and 'external-check "
            "path' is not set."
        )
    if not globals_.insecure_fork_wanted:
        warn(
            f"Proxy '{name}' : 'insecure-fork-wanted' not enabled in the global section, 'option external-check' will "
            "likely fail."
        )


def _agents(proxy: ProxySettings, alert: Tell) -> None:
    for server in proxy.servers:
        if server.agent_check is not None and not server.agent_check.port:
            alert(
                f"[{server.where}] : 'server {proxy.name}/{server.name}' : server {server.name} does not have agent "
                "port. Agent check has been disabled."
            )


# --- rulesets ---


def _ruleset(proxy: ProxySettings) -> Any:
    """The lbcore.check.steps.Ruleset of a proxy, None for bare connections."""
    kind = proxy.check_kind
    if kind in ("", "external-check"):
        return None
    from lbcore.check.protocols import KINDS, ready_made  # where servers are checked

    if kind in KINDS:
        return ready_made(kind, *proxy.check_words)
    return _http(proxy) if kind == "httpchk" else _tcp(proxy)


def _tcp(proxy: ProxySettings) -> Any:
    from lbcore.check.steps import Ruleset, numbered
    from lbcore.check.tcpcheck_connect import Connect

    steps = numbered(proxy.tcp_check_steps)
    if not any(isinstance(step, Connect) for step in steps):
        steps = (Connect(default=True), *steps)
    return Ruleset("tcp-check", steps, verbose=True)


def _http(proxy: ProxySettings) -> Any:
    """The lines, with what goes without saying: a connection before them, the request of `option httpchk`, and that
    statuses 2xx and 3xx are good."""
    from lbcore.check.httpcheck_expect import HttpExpect
    from lbcore.check.httpcheck_send import HttpSend
    from lbcore.check.steps import Ruleset, numbered
    from lbcore.check.tcpcheck_connect import Connect

    steps = list(numbered(proxy.http_check_steps))
    if not any(isinstance(step, Connect) for step in steps):
        steps.insert(0, Connect(default=True))
    first = next(at for at, step in enumerate(steps) if isinstance(step, Connect))
    asked = request_of(proxy.check_words)
    at = next((at for at, step in enumerate(steps) if isinstance(step, HttpSend)), None)
    between = steps[first + 1 : at] if at is not None else steps
    if at is None or any(isinstance(step, (Connect, HttpExpect)) for step in between):
        steps.insert(first + 1, HttpSend(**asked))
    else:
        said: Any = steps[at]
        steps[at] = replace(said, **{field: value for field, value in asked.items() if field not in said.given})
    last = max(at for at, step in enumerate(steps) if isinstance(step, HttpSend))
    if not any(isinstance(step, HttpExpect) for step in steps[last:]):
        steps.append(HttpExpect(match="status", codes=_GOOD))
    return Ruleset("httpchk", tuple(_with_options(steps, proxy)))


def _with_options(steps: list[Any], proxy: ProxySettings) -> list[Any]:
    from lbcore.check.httpcheck_expect import HttpExpect
    from lbcore.check.httpcheck_send import HttpSend

    found: list[Any] = []
    method = ""
    for step in steps:
        if isinstance(step, HttpSend):
            method = step.method
            found.append(replace(step, send_state=proxy.send_state))
        elif isinstance(step, HttpExpect):
            found.append(replace(step, disable_on_404=proxy.disable_on_404, bodiless=method == "HEAD"))
        else:
            found.append(step)
    return found


def request_of(words: tuple[str, ...]) -> dict[str, Any]:
    """What `option httpchk` says of the request, by the fields of an `HttpSend`. Header fields and a body may hide
    behind the version."""
    if not words:
        return {}
    if len(words) == 1:
        return {"uri": words[0]}
    found: dict[str, Any] = {"method": words[0], "uri": words[1]}
    if len(words) == 3:
        head, mark, body = words[2].partition("\r\n\r\n")
        version, *lines = head.split("\r\n")
        found["version"] = version
        fields = (line.partition(":") for line in lines if line)
        headers = tuple((name.strip(), value.strip()) for name, _, value in fields)
        found |= {"headers": headers} if headers else {}
        found |= {"body": body} if mark and body else {}
    return found


# --- connections ---


def _reuse(proxy: ProxySettings, server: ServerSettings, warn: Tell) -> None:
    if server.check_options.reuse_pool and (proxy.check_kind != "httpchk" or proxy.mode != "http"):
        warn(
            f"parsing [{server.where}] : 'server {proxy.name}/{server.name}' : 'check-reuse-pool' ignored because only "
            "'option httpchk' of a backend in mode http can use connections of requests."
        )


def _port(proxy: ProxySettings, server: ServerSettings, alert: Tell) -> None:
    """A check must know where to connect to."""
    options = server.check_options
    where = options.addr or server.address
    mapped = server.address.port_offset is not None
    if where.family in _UNPORTED or options.port or (options.addr is not None and options.addr.port):
        return
    if proxy.check_kind == "external-check" or (server.address.port and not mapped):
        return
    lacks = f"config: {kind_word(proxy)} '{proxy.name}': server '{server.name}' has neither service port nor check port"
    if proxy.check_kind not in ("tcp-check", "httpchk"):
        alert(f"{lacks}.")
        return
    from lbcore.check.tcpcheck_connect import Connect

    connects = [step for step in proxy.check_ruleset.steps if isinstance(step, Connect) and step.number]
    if not connects:
        alert(f"{lacks}.")
    elif connects[0].port is None and (connects[0].addr is None or not connects[0].addr.port):
        alert(f"{lacks} nor tcp_check rule 'connect' with port information.")
