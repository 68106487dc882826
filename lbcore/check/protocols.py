"""The ready-made checks: `option smtpchk`, `ldap-check`, `mysql-check`, `pgsql-check`, `redis-check`, `spop-check`,
`ssl-hello-chk` (manual 4.2).

Each speaks the first words of a protocol and reads what they are answered. What is specific to a protocol stands in its
own file; here is which option means which steps.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.check import ldap, mysql, pgsql, redis, smtp, spop, ssl_hello
from lbcore.check.steps import Ruleset, Step

_STEPS: dict[str, Callable[..., tuple[Step, ...]]] = {
    "ldap-check": ldap.steps,
    "mysql-check": mysql.steps,
    "pgsql-check": pgsql.steps,
    "redis-check": redis.steps,
    "smtpchk": smtp.steps,
    "spop-check": spop.steps,
    "ssl-hello-chk": ssl_hello.steps,
}
KINDS = frozenset(_STEPS)


def ready_made(kind: str, *args: str) -> Ruleset:
    """The ruleset of an option; `args` are its words."""
    return Ruleset(kind, _STEPS[kind](*args))
