"""Keywords of `global` about what only the privileged may do: by us, and by clients (manual 3.1)."""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_global import settings
from lbcore.proxy.settings import CAPABILITIES

_NAMES = ", ".join(list(CAPABILITIES)[:-1]) + f" and {list(CAPABILITIES)[-1]}"


def setcap(args: Args) -> None:
    """`setcap <name>[,<name>...]`."""
    text = args.take()
    if not text:
        raise KeywordError(f"'setcap' : missing capability name(s).  Supported ones are: {_NAMES}.")
    for name in text.split(","):
        if name not in CAPABILITIES:
            raise KeywordError(f"'setcap' : unsupported capability '{name}'.  Supported ones are: {_NAMES}.")
        settings(args).capabilities.add(name)


def reject_privileged_ports(args: Args) -> None:
    """`harden.reject-privileged-ports.tcp {on|off}`."""
    text = args.take()
    if text not in ("on", "off"):
        raise KeywordError(f"'{args.name}' expects either 'on' or 'off'.")
    settings(args).reject_privileged_ports = text == "on"


KEYWORDS.register(
    Keyword(("harden.reject-privileged-ports.tcp",), GLOBAL, reject_privileged_ports, "{on|off}",
            "Closes connections of clients whose port is below 1024.", "0.3"),
    Keyword(("setcap",), GLOBAL, setcap, "<name>[,<name> ...]", "Capabilities that are kept when the user changes.",
            "0.3"),
)  # fmt: skip
