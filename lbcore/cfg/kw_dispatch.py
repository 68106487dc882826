"""`dispatch`: where streams go that nothing has given to a server, and what else there can't be then (manual 4.2)."""

from __future__ import annotations

import socket
from typing import Protocol

from lbcore.cfg.address import AddressError, Place, parse_address
from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.proxy.settings import ProxySettings

TO = Place(port_needed=True, descriptors=False)


def dispatch(args: Args) -> None:
    """`dispatch <address>:<port>`. A name is looked up at once, as in HAProxy."""
    if args.in_defaults:
        raise KeywordError("'dispatch' not allowed in 'defaults' section.", 0)
    if args.ignored("backend"):
        args.rest()
        return
    text = args.take()
    try:
        address = parse_address(text, TO, args.context.environment)
        if address.family != socket.AF_UNIX and not address.port:
            raise AddressError("invalid port '0'")
    except AddressError as error:
        raise KeywordError(f"'dispatch' : {error}") from None
    args.proxy.dispatch = address


class Checked(Protocol):
    """A proxy under check, and who is told what is wrong with it."""

    @property
    def proxy(self) -> ProxySettings: ...
    @property
    def label(self) -> str: ...
    def alert(self, text: str, where: str = "") -> None: ...
    def warn(self, text: str, where: str = "") -> None: ...


def check_dispatch(checked: Checked) -> None:
    """A `balance` line leaves nothing for `dispatch`, and contradicts `option transparent`."""
    proxy = checked.proxy
    if "balance" not in proxy.places or not proxy.has_backend:
        return
    if "transparent" in proxy.options:
        checked.alert(f"{checked.label} cannot use both transparent and balance mode.")
    elif proxy.dispatch is not None:
        checked.warn(f"dispatch address of {checked.label} will be ignored in balance mode.")
        proxy.dispatch = None


KEYWORDS.register(
    Keyword(("dispatch",), PROXIES, dispatch, "<address>:<port>",
            "Where streams go that nothing has given to a server.", "0.3"),
)  # fmt: skip
