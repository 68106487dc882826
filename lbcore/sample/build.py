"""What compiling an expression may ask for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol


class BuildError(ValueError):
    """A name can't be resolved; the message is HAProxy's sentence without the place."""


class Build(Protocol):
    """The balancer being built, as expressions see it: live objects by their names.

    `proxy` is the name of the proxy that the expression stands in, "" for none. Objects are those of the `proxy` floor
    (`Frontend`, `Backend`, `Server`); a look-up raises BuildError for a name that there is not.
    """

    proxy: str

    def frontend(self, name: str) -> Any:
        """A frontend; "" means the one that the expression stands in."""

    def backend(self, name: str) -> Any:
        """A backend; "" means the one that the expression stands in."""

    def server(self, name: str) -> Any:
        """A server, by `backend/server` or, in a backend, by its own name."""

    def userlist(self, name: str) -> Any:
        """A `lbcore.proxy.settings.Userlist`."""

    def reference(self, name: str, kind: str) -> Any:
        """The `lbcore.sample.reference.Reference` of a pattern or map file, shared by all who name it; `kind` is
        "acl" or "map". Loads the file when it is asked for first. Raises BuildError, OSError."""

    def table(self, name: str) -> Any:
        """A stick table (`lbcore.table.table.Table`); "" means that of the proxy."""

    def facts(self) -> Any:
        """Figures of the process (`lbcore.facts.Facts`): uptime, connections, limits, identity."""

    def environment(self, name: str) -> str | None:
        """The value of a variable of the environment as the configuration sees it, one character a byte; None: there is
        none of this name."""

    def acl(self, name: str) -> Any:
        """The compiled named ACL `name` of this proxy: a function of the transaction that says whether it matches."""

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make()` gives, made once for all that ask with the same key."""
