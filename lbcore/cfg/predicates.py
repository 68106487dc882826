"""The questions that conditions may ask (manual 2.4 Conditional blocks), and what the answers rest on.

Nothing heavy may be imported here, as in `conditions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lbcore.cfg.environment import Environment

_VERSION = re.compile(r"(\d*)(?:\.(\d*))?(?:\.(\d*))?(?:-(dev|rc)(\d*))?")
_SSL_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)([a-z]?)(-(?:dev|alpha|beta|pre)\d*)?")


class ConditionContext:
    """What conditions ask about.

    `features` are the names of `-vv` and whether they work, `enabled` the run-time switches by HAProxy's names
    (`SPLICE`, `EPOLL`, ...). `ssl_library` is its full version text (`OpenSSL 3.0.17 1 Jul 2025`), "" without TLS;
    `awslc_api` the API number of AWS-LC, 0 for other libraries.
    """

    __slots__ = ("awslc_api", "enabled", "environment", "features", "ssl_library", "version")

    def __init__(
        self,
        environment: Environment,
        version: str,
        *,
        features: Mapping[str, bool] | None = None,
        enabled: Mapping[str, bool] | None = None,
        ssl_library: str = "",
        awslc_api: int = 0,
    ) -> None:
        self.environment = environment
        self.version = version
        self.features = features or {}
        self.enabled = enabled or {}
        self.ssl_library = ssl_library
        self.awslc_api = awslc_api


class Predicate(NamedTuple):
    """A question conditions may ask. `ask(ctx, *arguments)` gets `most` strings and raises ValueError for bad ones."""

    least: int
    most: int
    ask: Callable[..., bool]


def _version(text: str) -> tuple[int, int, int, int]:
    """A version as numbers that sort; -devN and -rcN come before the release, what is missing counts as zero."""
    match = _VERSION.match(text)
    assert match is not None  # every part may be missing
    major, minor, patch, stage, number = match.groups()
    before = {"dev": -2_000_000, "rc": -1_000_000, None: 0}[stage]
    return int(major or 0), int(minor or 0), int(patch or 0), before + int(number or 0)


def _ssl_version(text: str) -> tuple[int, int, int, bool, str]:
    """An OpenSSL version as values that sort. Raises ValueError unless it has three numbers."""
    match = _SSL_VERSION.fullmatch(text)
    if not match:
        raise ValueError(text)
    major, minor, patch, letter, pre = match.groups()
    return int(major), int(minor), int(patch), pre is None, letter


def _running_ssl_version(ctx: ConditionContext) -> tuple[int, int, int, bool, str]:
    name, _, rest = ctx.ssl_library.partition(" ")
    return _ssl_version(rest.partition(" ")[0]) if name == "OpenSSL" else (0, 0, 0, False, "")


def _openssl_atleast(ctx: ConditionContext, wanted: str) -> bool:
    asked = _ssl_version(wanted)
    return bool(ctx.ssl_library) and _running_ssl_version(ctx) >= asked


def _openssl_before(ctx: ConditionContext, wanted: str) -> bool:
    asked = _ssl_version(wanted)
    return bool(ctx.ssl_library) and _running_ssl_version(ctx) < asked


def _awslc_atleast(ctx: ConditionContext, wanted: str) -> bool:
    asked = int(wanted)
    return 0 < asked <= ctx.awslc_api


PREDICATES: dict[str, Predicate] = {
    "awslc_api_atleast": Predicate(1, 1, _awslc_atleast),
    "defined": Predicate(0, 1, lambda ctx, name: ctx.environment.get(name) is not None),
    "enabled": Predicate(0, 1, lambda ctx, name: ctx.enabled.get(name, False)),
    "feature": Predicate(0, 1, lambda ctx, name: ctx.features.get(name, False)),
    "openssl_version_atleast": Predicate(0, 1, _openssl_atleast),
    "openssl_version_before": Predicate(0, 1, _openssl_before),
    "ssllib_name_startswith": Predicate(
        0, 1, lambda ctx, name: bool(ctx.ssl_library) and ctx.ssl_library.startswith(name)
    ),
    "streq": Predicate(2, 2, lambda ctx, left, right: left == right),
    "strneq": Predicate(2, 2, lambda ctx, left, right: left != right),
    "strstr": Predicate(2, 2, lambda ctx, text, part: part in text),
    "version_atleast": Predicate(0, 1, lambda ctx, version: _version(ctx.version) >= _version(version)),
    "version_before": Predicate(0, 1, lambda ctx, version: _version(ctx.version) < _version(version)),
}
