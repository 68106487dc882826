"""Headers of other proxies that some connections begin with: `expect-proxy`, `expect-netscaler-cip` (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.action.spec import Spec, spec
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.words import ParseError, Words
from lbcore.shim import lib
from lbcore.stream.rules import ACTIONS, Action, Ruleset
from lbcore.stream.txn import Txn

LAYER = "layer4"


def expect(header: int) -> Callable[[Words, Ruleset], Spec]:
    """The parser of an action that has a connection begin with a header (V_F_* of native/include/ask.h)."""

    def run(t: Txn) -> None:
        t.expects |= header

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        layer = words.take() if words.more else ""

        def attach(proxy: ProxySettings) -> None:
            if layer != LAYER:
                place = f"in {'frontend' if proxy.kind == 'frontend' else 'proxy'} '{proxy.name}'"
                name = f"{ruleset.value} {words.texts[start]}"
                raise ParseError(f"'{name}' only supports '{LAYER}' {place} (got '{layer}')")

        return spec(words, start, lambda build: run, attach=attach)

    return parse


ACTIONS.register(
    Action("expect-netscaler-cip", (Ruleset.TCP_CONNECTION,), expect(lib.V_F_CIP),
           "The connection begins with a NetScaler's Client IP header."),
    Action("expect-proxy", (Ruleset.TCP_CONNECTION,), expect(lib.V_F_PROXY),
           "The connection begins with a PROXY header."),
)  # fmt: skip
