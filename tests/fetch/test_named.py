"""Variables and named ACLs."""

from __future__ import annotations

import pytest

from lbcore.sample.build import BuildError
from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import FakeBuild, accepted


def test_var_keeps_the_type_of_what_was_set() -> None:
    t = accepted()
    t.vars["n"] = 7
    t.session.vars["b"] = b"\0"
    assert [value(t, text) for text in ("var(txn.n)", "var(sess.b)", "var(req.n)")] == [7, b"\0", None]


def test_var_falls_back_on_its_default() -> None:
    t = accepted()
    assert [value(t, "var(txn.n,7)"), value(t, "var(txn.n,)"), value(t, "var(txn.n)")] == ["7", "", None]


def test_var_with_a_value_ignores_the_default() -> None:
    t = accepted()
    t.vars["n"] = 0
    assert value(t, "var(txn.n,7)") == 0


def test_var_of_the_process_is_everybodys() -> None:
    t = accepted()
    t.world.proc_vars.set("n", 1)
    assert value(t, "var(proc.n)") == 1


@pytest.mark.parametrize("name", ["foo", "txn.a-b", "", "none.x"])
def test_var_with_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ParseError, match="invalid args in fetch method 'var'"):
        parse(f"var({name})")


def with_acls(**acls: bool) -> FakeBuild:
    build = FakeBuild()
    build.acls = {name: lambda t, result=result: result for name, result in acls.items()}  # type: ignore[misc]
    return build


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("acl(yes)", True), ("acl(no)", False), ("acl(!no)", True), ("acl(yes,!no)", True), ("acl(yes,no)", False)],
)
def test_acl_asks_for_all(text: str, wanted: bool) -> None:
    assert value(accepted(), text, with_acls(yes=True, no=False)) is wanted


def test_acl_that_does_not_exist_is_refused_when_it_is_built() -> None:
    with pytest.raises(BuildError, match="none"):
        value(accepted(), "acl(none)", with_acls())


def test_acl_without_a_name_is_refused() -> None:
    with pytest.raises(ParseError, match="expects the name of an ACL"):
        parse("acl(a,!)")
