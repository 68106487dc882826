"""Loggers: which lines go where, at which level, how long."""

import socket
import threading
from collections.abc import Sequence

import pytest

from lbcore.base.address import Address
from lbcore.log.header import Origin
from lbcore.log.sender import Senders
from lbcore.log.settings import LogTarget
from lbcore.log.syslog import Logger, LogSink, Sampler, make_samplers

ORIGIN = Origin("tag", 7)
ADDRESS = Address(socket.AF_UNIX, "/dev/log")
ERR, WARNING, INFO, DEBUG = 3, 4, 6, 7


class Kept:
    """A sender that keeps what it gets."""

    def __init__(self) -> None:
        self.dropped = 0
        self.lines: list[bytes] = []

    def send_batch(self, lines: Sequence[bytes]) -> None:
        self.lines += lines

    def close(self) -> None: ...


class KeptSenders(Senders):
    """Senders that keep, by address."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[Address, Kept] = {}

    def get(self, address: Address) -> Kept:
        return self.kept.setdefault(address, Kept())


def sent(target: LogTarget, *lines: tuple[int, str], origin: Origin = ORIGIN) -> list[bytes]:
    senders = KeptSenders()
    Logger([target], origin, senders, clock=lambda: 0).send_many(lines)
    return senders.kept[target.address].lines


def test_lines_are_sent_in_order_with_a_line_end() -> None:
    assert sent(LogTarget(ADDRESS, 1, format="raw"), (INFO, "a"), (INFO, "b")) == [b"a\n", b"b\n"]


def test_less_severe_lines_than_the_level_are_not_sent() -> None:
    target = LogTarget(ADDRESS, 16, level=WARNING, format="short")
    assert sent(target, (ERR, "a"), (INFO, "b"), (WARNING, "c")) == [b"<3>a\n", b"<4>c\n"]


def test_more_severe_lines_than_minlevel_are_sent_as_minlevel() -> None:
    target = LogTarget(ADDRESS, 19, level=DEBUG, minlevel=WARNING, format="priority")
    assert sent(target, (ERR, "a"), (INFO, "b")) == [b"<156>a\n", b"<158>b\n"]


def test_each_level_of_a_batch_has_its_header() -> None:
    target = LogTarget(ADDRESS, 16, format="priority")
    lines = sent(target, (INFO, "a"), (ERR, "b"), (INFO, "c"))
    assert lines == [b"<134>a\n", b"<131>b\n", b"<134>c\n"]


def test_a_header_may_be_longer_than_a_line() -> None:
    assert sent(LogTarget(ADDRESS, 16, maxlen=4, format="priority"), (INFO, "abc")) == [b"<13\n"]


def test_len_counts_header_text_and_the_line_end() -> None:
    target = LogTarget(ADDRESS, 16, maxlen=80, format="priority")
    assert sent(target, (INFO, "x" * 200)) == [b"<134>" + b"x" * 74 + b"\n"]


def test_a_text_is_never_longer_than_the_buffer_it_is_made_in() -> None:
    assert sent(LogTarget(ADDRESS, None, format="raw"), (INFO, "x" * 2000)) == [b"x" * 1023 + b"\n"]


def test_a_longer_len_makes_room_for_longer_texts() -> None:
    target = LogTarget(ADDRESS, None, maxlen=4096, format="raw")
    assert sent(target, (INFO, "x" * 9000)) == [b"x" * 4095 + b"\n"]


def test_the_default_format_of_sockets_is_local() -> None:
    assert sent(LogTarget(ADDRESS, 16), (INFO, "a"))[0].endswith(b" tag[7]: a\n")


def test_the_default_format_of_sockets_carries_a_host_name_that_is_to_be_sent() -> None:
    assert sent(LogTarget(ADDRESS, 16), (INFO, "a"), origin=Origin("tag", 7, "box"))[0].endswith(b" box tag[7]: a\n")


def test_the_default_format_of_descriptors_is_raw() -> None:
    assert sent(LogTarget(Address(socket.AF_UNSPEC, fd=1), 3), (INFO, "a")) == [b"a\n"]


def test_every_target_gets_every_line() -> None:
    targets = [LogTarget(Address(socket.AF_UNIX, path), 1, format="raw") for path in ("/a", "/b")]
    senders = KeptSenders()
    Logger(targets, ORIGIN, senders).send(INFO, "Proxy fe started.")
    assert [kept.lines for kept in senders.kept.values()] == [[b"Proxy fe started.\n"]] * 2


def structured(form: str, data: str) -> bytes:
    """The line `text` with structured data to a target of a format."""
    senders = KeptSenders()
    target = LogTarget(ADDRESS, 16, format=form)
    Logger([target], ORIGIN, senders, clock=lambda: 0).send_many([(INFO, "text")], data)
    return senders.kept[ADDRESS].lines[0]


def test_structured_data_stands_before_the_text_where_the_format_has_it() -> None:
    assert structured("rfc5424", '[a@1 b="c"]').endswith(b' - tag 7 - [a@1 b="c"] text\n')
    assert structured("rfc5424", "").endswith(b" - tag 7 - - text\n")
    assert structured("rfc3164", "[a]").endswith(b" tag[7]: text\n")


def test_texts_of_streams_go_out_byte_by_byte_and_messages_as_they_were_written() -> None:
    target = LogTarget(ADDRESS, 1, format="raw")
    assert sent(target, (INFO, "\xe9\xff")) == [b"\xe9\xff\n"]
    senders = KeptSenders()
    Logger([target], ORIGIN, senders).send(INFO, "Proxy caf\u00e9 started \udcff")
    assert senders.kept[ADDRESS].lines == ["Proxy caf\u00e9 started ".encode() + b"\xff\n"]


def test_a_logger_without_targets_is_false() -> None:
    assert not Logger([], ORIGIN, KeptSenders())
    assert Logger([LogTarget(ADDRESS, 1)], ORIGIN, KeptSenders())


def test_a_target_that_needs_a_facility_is_refused_when_built() -> None:
    with pytest.raises(ValueError, match="facility"):
        Logger([LogTarget(ADDRESS, None, format="local")], ORIGIN, KeptSenders())


def test_sample_takes_the_ranges_of_every_round() -> None:
    sampler = Sampler([(1, 1), (3, 4)], 5)
    lines = [b"%d" % number for number in range(1, 11)]
    assert sampler.take(lines) == [b"1", b"3", b"4", b"6", b"8", b"9"]


def test_sample_goes_on_where_the_last_batch_ended() -> None:
    sampler = Sampler([(2, 2)], 3)
    assert [sampler.take([b"%d" % number]) for number in range(1, 6)] == [[], [b"2"], [], [], [b"5"]]


def test_sample_is_of_the_lines_that_the_level_lets_through() -> None:
    target = LogTarget(ADDRESS, 1, level=INFO, format="raw", sample_ranges=((2, 2),), sample_size=2)
    assert sent(target, (INFO, "a"), (DEBUG, "b"), (INFO, "c")) == [b"c\n"]


@pytest.mark.parametrize("wrong", [(0, 1), (2, 1), (1, 6)])
def test_a_sample_range_that_does_not_fit_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit into 5"):
        Sampler([wrong], 5)


def test_threads_share_one_sample() -> None:
    target = LogTarget(ADDRESS, 1, format="raw", sample_ranges=((1, 1),), sample_size=10)
    samplers = make_samplers([target], threading.Lock())
    kept = [KeptSenders() for _ in range(4)]
    loggers = [Logger([target], ORIGIN, senders, samplers) for senders in kept]
    threads = [
        threading.Thread(target=lambda logger=logger: [logger.send(INFO, "x") for _ in range(250)])
        for logger in loggers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(senders.get(ADDRESS).lines) for senders in kept) == 100


def test_targets_that_do_not_sample_have_no_sampler() -> None:
    assert make_samplers([LogTarget(ADDRESS, 1)]) == [None]


def test_a_sink_sends_nothing_when_nothing_passes() -> None:
    kept = Kept()
    LogSink(LogTarget(ADDRESS, 1, level=ERR), ORIGIN, kept).send_many([(INFO, b"a")], 0)
    assert kept.lines == []
