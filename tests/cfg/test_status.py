"""`http-err-codes` and `http-fail-codes`: which sets lines make."""

from __future__ import annotations

import pytest

from lbcore.cfg.loader import load
from lbcore.proxy.settings import ERR_CODES, FAIL_CODES, GlobalSettings


def read(*lines: str) -> GlobalSettings:
    settings, found = load([("lb.cfg", "\n    ".join(["global", *lines]) + "\n")], env={})
    assert not found.errors, [message.text for message in found.messages]
    return settings.globals


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        ([], ERR_CODES),
        (["http-err-codes 400,402-444,446-480,490"], {400, *range(402, 445), *range(446, 481), 490}),
        (["http-err-codes 400-499 -450 +500"], {*range(400, 450), *range(451, 501)}),
        (["http-err-codes -450-459"], ERR_CODES - set(range(450, 460))),
        (["http-err-codes +501,505"], ERR_CODES | {501, 505}),
        (["http-err-codes -404", "http-err-codes -410"], ERR_CODES - {404, 410}),
        (["http-err-codes 404 404"], {404}),
        (["http-err-codes -100-599"], set()),
    ],
)
def test_words_replace_add_and_remove_in_their_order(lines: list[str], chosen: set[int]) -> None:
    found = read(*lines)
    assert found.http_err_codes == chosen
    assert found.http_fail_codes == FAIL_CODES


def test_failures_have_a_set_of_their_own() -> None:
    found = read("http-fail-codes -503 +501", "http-err-codes +503")
    assert found.http_fail_codes == (FAIL_CODES - {503}) | {501}
    assert found.http_err_codes == ERR_CODES | {503}
