"""Which protocol is spoken on connections of a listener, to a server, by checks, and by WebSockets (manual 5.1 "proto",
5.2 "proto", "check-proto", "ws").

Without TLS nothing is negotiated, and the protocol of a mode is the only one: who names it has it, who names another
one is told.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from lbcore.cfg.arguments import Args, KeywordError, kind_word
from lbcore.cfg.keywords import BIND, KEYWORDS, SERVERS, Keyword
from lbcore.cfg.known import not_yet
from lbcore.proxy.settings import ProxySettings

_LATER = ("fcgi", "h2", "quic", "spop")


def _muxes() -> ModuleType:
    """What there is, which the engine comes with: only where somebody names a protocol."""
    from lbcore import mux

    return mux


def _usable(name: str | None, mode: str, *, front: bool = False) -> bool:
    if name is None:
        return True
    mux = _muxes()
    return mux.named(name, mode, mux.Side.FRONT if front else mux.Side.BACK) is not None


def _protocol(args: Args) -> str:
    name, value = args.line.text(args.position - 1), args.take()
    if not value:
        raise KeywordError(f"'{name}' : missing value")
    if value in _LATER:
        raise KeywordError(not_yet(f"{name} {value}"))
    if value not in _muxes().names():
        raise KeywordError(f"'{name}' :  unknown MUX protocol '{value}'")
    return value


def bind_proto(args: Args) -> None:
    """`proto <name>`: what clients of the listener speak."""
    if args.context.proxy is None:  # what stats sockets and peers speak is nobody's choice
        raise KeywordError("'proto' : only listeners of frontends have a choice")
    args.bind.proto = _protocol(args)


def server_proto(args: Args) -> None:
    """`proto <name>`: what the server speaks."""
    args.server.proto = _protocol(args)


def check_proto(args: Args) -> None:
    """`check-proto <name>`: what its checks speak."""
    args.server.check_proto = _protocol(args)


def websockets(args: Args) -> None:
    """`ws {auto|h1|h2}`: what WebSockets go by. There is but one HTTP to a server, so `auto` and `h1` say what is."""
    value = args.take()
    if value not in ("auto", "h1", "h2"):
        raise KeywordError("'ws' has to be 'auto', 'h1' or 'h2'")
    if value == "h2":
        raise KeywordError(not_yet("ws h2"))


def check_protocols(proxy: ProxySettings, alert: Callable[[str], None]) -> None:
    """Complains of protocols that the mode of a proxy, or the kind of its checks, has no use for."""
    label = f"{kind_word(proxy)} '{proxy.name}'"
    for bind in proxy.binds:
        if not _usable(bind.proto, proxy.mode, front=True):
            alert(f"{label} : MUX protocol '{bind.proto}' is not usable for 'bind {bind.text}' at [{bind.where}].")
    checked = "http" if proxy.check_kind == "httpchk" else "tcp"
    for server in proxy.servers:
        if not _usable(server.proto, proxy.mode):
            alert(
                f"{label} : MUX protocol '{server.proto}' is not usable for server '{server.name}' at [{server.where}]."
            )
        if server.check is not None and not _usable(server.check_proto, checked):
            alert(
                f"config: {label}: server '{server.name}' uses an incompatible MUX protocol for the selected check type"
            )


KEYWORDS.register(
    Keyword(("check-proto",), SERVERS, check_proto, "{h1|none}", "What its checks speak."),
    Keyword(("proto",), BIND, bind_proto, "{h1|none}", "What clients speak."),
    Keyword(("proto",), SERVERS, server_proto, "{h1|none}", "What the server speaks."),
    Keyword(("ws",), SERVERS, websockets, "{auto|h1}", "What WebSockets go by."),
)  # fmt: skip
