"""How many pipes there may be: the figures are those that HAProxy 2.6 shows in `show info`."""

from __future__ import annotations

import pytest

from lbcore.cfg.loader import load
from lbcore.proxy.pipes import pipes

BACK = "backend b\n  server s 127.0.0.1:1\n"
TWO = f"""
frontend f
  bind :1
  maxconn 200
  option splice-auto
frontend g
  bind :2
  maxconn 100
  option splice-request
{BACK}"""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"frontend f\n  bind :1\n  maxconn 100\n  option splice-auto\n{BACK}", 25),
        (f"frontend f\n  bind :1\n{BACK}  fullconn 400\n  option splice-auto\n", 100),
        (TWO, 75),
        (f"frontend f\n  bind :1\n  maxconn 3\n  option splice-auto\n{BACK}", 3),
        ("listen f\n  bind :1\n  maxconn 100\n  option splice-auto\n  server s 127.0.0.1:1\n", 250),
        (f"frontend f\n  bind :1\n  option splice-auto\n{BACK}", 250),
        (f"frontend f\n  bind :1\n  maxconn 5000\n  option splice-auto\n{BACK}", 250),
        (f"frontend f\n  bind :1\n{BACK}", 0),
        (f"global\n  nosplice\nfrontend f\n  bind :1\n  option splice-auto\n{BACK}", 0),
        (f"global\n  maxpipes 7\nfrontend f\n  bind :1\n  option splice-auto\n{BACK}", 7),
    ],
)  # fmt: skip
def test_a_quarter_of_the_connections_that_splice(text: str, count: int) -> None:
    settings, _ = load([("lb.cfg", text)])
    assert pipes(settings, 1000) == count
