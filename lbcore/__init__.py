"""lbcore: a multithreaded TCP/HTTP load balancer, as a program and as a library.

    import lbcore

    with lbcore.LoadBalancer(config_text) as lb:
        print(lb.url("web"))

`python -m lbcore` (or `lbcore`) is the program; its command line is HAProxy's. Folders are floors, an import goes down:

    __main__ main signals process demo   the program          api facts activity sessions  the library
    explain lint                         asking a configuration before it runs
    cfg    configuration language        cli stats            the stats socket
    fetch conv action filter             the words of rules and expressions
    stream rules, logs, applets          proxy                frontends, backends, servers
    mux    how streams share connections conn sample          listening, addresses; expressions
    log    syslog                        event                engine, workers, tasks
    thread labels, locks, sync point     http                 pure data
    base   errors, registry, addresses   shim <- native/      the door to C

Names of the library are looked up when first used, so that `lbcore -v` does not load the engine.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lbcore.api import LoadBalancer
    from lbcore.base.diag import ConfigError, Diagnostic, Diagnostics, Severity

__all__ = ["ConfigError", "Diagnostic", "Diagnostics", "LoadBalancer", "Severity"]


def __getattr__(name: str) -> Any:
    if name == "LoadBalancer":
        from lbcore.api import LoadBalancer

        return LoadBalancer
    if name in __all__:
        from lbcore.base import diag

        return getattr(diag, name)
    if name == "__version__":
        from lbcore.version import __version__

        return __version__
    raise AttributeError(f"module 'lbcore' has no attribute '{name}'")
