"""Which mux serves a connection."""

from __future__ import annotations

import pytest

from lbcore.mux import Side, find, listing
from lbcore.mux.registry import Mux, register
from lbcore.shim import lib


@pytest.mark.parametrize("side", [Side.FRONT, Side.BACK])
@pytest.mark.parametrize(
    ("token", "mode", "name", "flow"),
    [
        ("", "tcp", "none", lib.PX_TCP),
        ("", "http", "h1", lib.PX_HTTP),
        ("http/1.1", "http", "h1", lib.PX_HTTP),
        ("http/1.1", "tcp", "none", lib.PX_TCP),
        ("never heard of", "http", "h1", lib.PX_HTTP),
    ],
)
def test_token_mode_and_side_lead_to_a_mux(token: str, mode: str, side: Side, name: str, flow: int) -> None:
    found = find(token, mode, side)
    assert (found.name, found.flow) == (name, flow)


def test_row_of_the_token_goes_before_the_one_for_none() -> None:
    assert find("http/1.1", "http", Side.FRONT).token == "http/1.1"
    assert find("", "http", Side.FRONT).token == ""


def test_mode_that_nobody_serves_is_refused() -> None:
    with pytest.raises(LookupError, match="mode health"):
        find("", "health", Side.FRONT)


@pytest.mark.parametrize("side", [Side.FRONT, Side.BACK, Side.BOTH])
def test_claiming_what_is_served_already_is_refused(side: Side) -> None:
    before = listing()
    with pytest.raises(ValueError, match="'thief' and mux 'none' claim"):
        register(Mux("thief", token="", mode="tcp", side=side, flow=lib.PX_TCP))
    assert listing() == before


def test_listing_is_a_copy() -> None:
    listing().clear()
    assert len(listing()) == 3
