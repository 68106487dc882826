"""Who this program is: its version, the language it speaks, and what of HAProxy's features works here.

The one source of these facts for the command line, the conditions of configurations, the statistics and the messages.
Almost nothing is imported at the top: `-v` and `-cc` have a tenth of a second for everything.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__version__ = "0.1.0"
RELEASE_DATE = "2026/11/23"
LANGUAGE_VERSION = "3.2.0"  # the HAProxy whose configuration language and command line this is

LINUX = sys.platform.startswith("linux")
BSD = "bsd" in sys.platform or sys.platform == "darwin"

# Whether each of HAProxy 3.2's features works here. People's `.if feature(X)` trust this: a name turns True with the
# change that makes it work, never before.
FEATURES: dict[str, bool] = {
    "51DEGREES": False,
    "ACCEPT4": LINUX,
    "BACKTRACE": False,
    "CLOSEFROM": False,
    "CPU_AFFINITY": LINUX,
    "CRYPT_H": False,
    "DEVICEATLAS": False,
    "DL": False,
    "ENGINE": False,
    "EPOLL": LINUX,
    "EVPORTS": False,
    "GETADDRINFO": True,
    "KQUEUE": BSD,
    "KTLS": False,
    "LIBATOMIC": False,
    "LIBCRYPT": LINUX,
    "LINUX_CAP": False,
    "LINUX_SPLICE": LINUX,
    "LINUX_TPROXY": LINUX,
    "LUA": False,
    "MATH": True,
    "MEMORY_PROFILING": False,
    "NETFILTER": False,
    "NS": LINUX,
    "OBSOLETE_LINKER": False,
    "OPENSSL": False,
    "OPENSSL_AWSLC": False,
    "OPENSSL_WOLFSSL": False,
    "OT": False,
    "PCRE": False,
    "PCRE2": False,
    "PCRE2_JIT": False,
    "PCRE_JIT": False,
    "POLL": True,
    "PRCTL": LINUX,
    "PROCCTL": False,
    "PROMEX": True,
    "PTHREAD_EMULATION": False,
    "QUIC": False,
    "QUIC_OPENSSL_COMPAT": False,
    "RT": False,
    "SHM_OPEN": False,
    "SLZ": False,
    "SSL": False,
    "STATIC_PCRE": False,
    "STATIC_PCRE2": False,
    "SYSTEMD": False,
    "TFO": LINUX,
    "THREAD": True,
    "THREAD_DUMP": True,
    "TPROXY": LINUX,
    "WURFL": False,
    "ZLIB": False,
}

SERVICES: tuple[str, ...] = ("prometheus-exporter",)  # applets that `http-request use-service` may name
FILTERS = (("bwlim-in", "BWLIM"), ("bwlim-out", "BWLIM"), ("trace", "TRACE"))  # words of `filter` lines, and their kind
# Protocol name, mode, sides, mux; "<default>" is taken where no `proto` and no ALPN decides.
MUXES = (
    ("<default>", "HTTP", "FE|BE", "H1"),
    ("<default>", "TCP", "FE|BE", "PASS"),
)
_POLLERS = (("epoll", 300), ("kqueue", 300), ("poll", 200), ("select", 150))

BUFSIZE = 16384
MAXREWRITE = 1024
MAXPOLLEVENTS = 200


def banner() -> str:
    """What `-v` prints. The third word is the version of the language, which tools compare."""
    import os

    system = os.uname()
    return (
        f"HAProxy version {LANGUAGE_VERSION} {RELEASE_DATE} - lbcore {__version__}\n"
        f"Status: lbcore, a load balancer of its own that speaks HAProxy {LANGUAGE_VERSION}'s language.\n"
        f"Running on: {system.sysname} {system.release} {system.version} {system.machine}\n"
    )


def details() -> str:
    """What `-vv` prints: the banner, features, defaults, libraries, pollers, multiplexers, services, filters."""
    return "\n".join([banner() + _build(), _defaults(), _libraries(), _polling(), _multiplexers(), _extensions()])


def pollers() -> list[tuple[str, int]]:
    """The pollers of this platform with their preference, the most preferred first."""
    missing = {name.lower() for name in ("EPOLL", "KQUEUE") if not FEATURES[name]}
    return [(name, preference) for name, preference in _POLLERS if name not in missing]


def _build() -> str:
    target = {"linux": "linux-glibc", "darwin": "osx"}.get(sys.platform, sys.platform)
    features = " ".join(f"{'+' if works else '-'}{name}" for name, works in FEATURES.items())
    return f"Build options :\n  TARGET  = {target}\n\nFeature list : {features}\n"


def _defaults() -> str:
    return (
        "Default settings :\n"
        f"  bufsize = {BUFSIZE}, maxrewrite = {MAXREWRITE}, maxpollevents = {MAXPOLLEVENTS}\n"
    )  # fmt: skip


def _libraries() -> str:
    from lbcore.thread.masks import THREADS_MAX, cpu_count

    lines = [
        f"Built with multi-threading support (MAX_TGROUPS=1, MAX_THREADS={THREADS_MAX}, default={cpu_count()}).",
        f"Running on {sys.implementation.name} version : {sys.version.split()[0]}{_free_threaded()}",
    ]
    if cffi := _cffi_version():
        lines.append(f"Built with cffi version : {cffi}")
    if FEATURES["TPROXY"]:
        lines.append("Built with transparent proxy support using: IP_TRANSPARENT IPV6_TRANSPARENT")
    return "\n".join(lines) + "\n"


def _free_threaded() -> str:
    gil = getattr(sys, "_is_gil_enabled", None)
    return "" if gil is None or gil() else " (free-threaded)"


def _cffi_version() -> str:
    """The version of cffi's run-time part, "" if it is not installed. Its metadata would take longer to read."""
    try:
        import _cffi_backend
    except ImportError:
        return ""
    return str(_cffi_backend.__version__)  # type: ignore[attr-defined, unused-ignore]


def _polling() -> str:
    found = pollers()
    lines = [f"{name:>11} : pref={preference},  test result {_tested(name)}" for name, preference in found]
    usable = [name for name, _ in found if _tested(name) == "OK"]
    total = f"Total: {len(found)} ({len(usable)} usable), will use {usable[0]}."
    return "\n".join(["Available polling systems :", *lines, total]) + "\n"


def _tested(name: str) -> str:
    """HAProxy's word for whether the kernel offers a poller: a container's rules may forbid one."""
    import select

    make = getattr(select, name, None)
    if make is None:
        return "FAILED"
    if name in ("epoll", "kqueue"):
        try:
            make().close()
        except OSError:
            return "FAILED"
    return "OK"


def _multiplexers() -> str:
    rows = (f"{name:>11} : mode={mode:<4}  side={side}  mux={mux:<4}  flags=" for name, mode, side, mux in MUXES)
    head = (
        "Available multiplexer protocols :\n(protocols marked as <default> cannot be specified using 'proto' keyword)\n"
    )
    return head + "\n".join(rows) + "\n"


def _extensions() -> str:
    return "\n".join([f"Available services : {' '.join(SERVICES) or 'none'}", *_filters()]) + "\n"


def _filters() -> Iterator[str]:
    yield "Available filters :"
    for name, group in FILTERS:
        yield f"\t[{group}] {name}"
