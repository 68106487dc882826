"""`use-service`: what names it may have."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from tests.action.rules import parse


def test_a_service_is_named() -> None:
    assert parse("use-service prometheus-exporter").describe() == "use-service prometheus-exporter"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("use-service", "'use-service' expects a service name."),
        ("use-service if TRUE", "'if' unknown service name."),
        ("use-service lua.x", "'lua.x' unknown service name."),
    ],
)
def test_any_other_name_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ParseError, match=f"^{complaint}$"):
        parse(text)
