"""The run-time switches that options turn off and `enabled(...)` asks for (manual 2.4 Conditional blocks)."""

from __future__ import annotations

from lbcore.version import FEATURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lbcore.options import Options


def enabled(options: Options) -> dict[str, bool]:
    """Each switch by HAProxy's name, and whether it is on: what works here unless an option on this line forbids it."""
    available = {
        "EPOLL": FEATURES["EPOLL"],
        "EVPORTS": FEATURES["EVPORTS"],
        "FAST-FORWARD": True,
        "GETADDRINFO": FEATURES["GETADDRINFO"],
        "KQUEUE": FEATURES["KQUEUE"],
        "POLL": FEATURES["POLL"],
        "REUSEPORT": True,
        "SERVER-SSL-VERIFY-NONE": False,
        "SPLICE": FEATURES["LINUX_SPLICE"],
    }
    return {name: works and name not in options.disabled for name, works in available.items()}
