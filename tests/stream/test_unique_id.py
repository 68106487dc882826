"""Unique ids: made once, when they are first asked for."""

from lbcore.proxy.settings import ProxySettings
from lbcore.shim import lib
from lbcore.stream.txn import REC, Txn
from lbcore.stream.unique_id import MAKERS, make_unique_id, make_unique_id_header, unique_id
from tests.fetch.transactions import FakeBuild, request


def given(t: Txn, form: str) -> Txn:
    """The transaction in a worker whose frontend has a format of ids."""
    settings = ProxySettings("fe", "frontend", mode="http", unique_id_format=form)
    t.worker.local[MAKERS] = {0: make_unique_id(settings, FakeBuild())}
    return t


def test_an_id_is_that_of_the_moment_when_it_is_first_asked_for() -> None:
    t = given(request(src="127.0.0.1", sport=8296), "%{+X}o %ci:%cp-%[var(txn.a)]")
    t.vars["a"] = t.vars["txn.a"] = "x"
    assert unique_id(t) == "7F000001:2068-x"
    t.vars.clear()
    assert unique_id(t) == "7F000001:2068-x"


def test_without_a_format_there_is_no_id() -> None:
    assert make_unique_id(ProxySettings("fe", "frontend"), FakeBuild()) is None
    assert unique_id(request()) is None


def test_what_was_no_request_has_no_id() -> None:
    t = given(request(), "x")
    record = [0] * len(REC)
    record[REC["flags"]] = lib.REC_HTTP
    t.record = tuple(record)
    assert unique_id(t) is None


def test_an_id_has_at_most_127_characters() -> None:
    assert unique_id(given(request(), "x" * 200)) == "x" * 127


def test_streams_are_numbered_from_0_over_all_threads() -> None:
    numbers = [unique_id(given(request(uniq=uniq), "%rt")) for uniq in (1, 2, (1 << 48) + 1, (1 << 48) + 2)]
    assert numbers == ["0", "2", "1", "3"]


def test_the_id_goes_to_the_server_in_a_header_without_what_may_not_stand_there() -> None:
    settings = ProxySettings("fe", "frontend", mode="http", unique_id_format="%ci-%[req.hdr(a)]")
    settings.unique_id_header = "X-Id"
    add = make_unique_id_header(settings, FakeBuild())
    assert add is not None
    t = request("GET / HTTP/1.1", "a: x\x01\r")
    add(t)
    assert t.req is not None
    assert t.req.all("x-id") == ["192.0.2.1-x%01%0D"]
    assert unique_id(t) == "192.0.2.1-x%01%0D"


def test_a_header_needs_a_format() -> None:
    assert make_unique_id_header(ProxySettings("fe", "frontend", unique_id_header="X"), FakeBuild()) is None
    assert make_unique_id_header(ProxySettings("fe", "frontend", unique_id_format="x"), FakeBuild()) is None
