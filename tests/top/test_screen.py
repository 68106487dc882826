"""What the screen shows of a sample, without a terminal."""

from __future__ import annotations

import pytest

from lbcore.top.command import press
from lbcore.top.sample import AnswerError, Sample, parse
from lbcore.top.screen import COLUMNS, RED, YELLOW, Look, View, lines, plain, rates_of, size

NAMES = (
    "pxname,svname,qcur,scur,slim,stot,bin,bout,ereq,econ,eresp,hrsp_5xx,req_tot,status,weight,type,rate,check_status,"
    "rtime"
)
INFO = "Name: HAProxy\nVersion: 3.2.0\nPid: 7\nUptime: 0d 0h00m09s\nCurrConns: 5\nMaxconn: 100\n"


def stat(*rows: str) -> str:
    return f"# {NAMES},\n" + "".join(f"{row},\n" for row in rows)


FRONT = "www,FRONTEND,,5,100,9,1000,20000,1,,,2,50,OPEN,,0,3,,"
GOOD = "app,s1,0,3,,9,500,9000,,0,0,0,,UP,1,2,2,L4OK,12"
DOWN = "app,s2,4,0,10,0,0,0,,7,0,0,,DOWN,1,2,0,L4CON,0"
DRAINED = "app,s3,0,0,,0,0,0,,0,0,0,,DRAIN,0,2,0,,0"
BACK = "app,BACKEND,4,3,10,9,500,9000,,7,0,0,40,UP,1,1,2,,12"


def sample(*rows: str, when: float = 0.0, before: Sample | None = None) -> Sample:
    return parse(when, INFO, stat(*rows or (FRONT, GOOD, DOWN, DRAINED, BACK))).follow(before)


def shown(one: Sample, look: Look | None = None, width: int = 120, height: int = 30) -> list[str]:
    return plain(lines(one, look or Look(), width, height)).splitlines()


def row(text: list[str], name: str) -> list[str]:
    [line] = [line for line in text if line.split()[:1] == [name]]
    return line.split()


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (9949, "9.9k"), (9951, "10k"), (123_456, "123k"), (999_600, "1.0M"),
     (5e9, "5.0G"), (7e15, "7000T")],
)  # fmt: skip
def test_numbers_are_short(number: float, text: str) -> None:
    assert size(number) == text


def test_the_head_tells_of_the_process() -> None:
    text = shown(sample())
    assert text[0].startswith("HAProxy 3.2.0  pid 7")
    assert "connections 5/100" in text[1]


def test_a_server_stands_under_its_proxy_with_its_figures() -> None:
    text = shown(sample())
    assert row(text, "s1") == ["s1", "UP", "0", "3", "2", "0", "0", "0", "0", "12", "1", "L4OK"]
    assert row(text, "s2")[1:4] == ["DOWN", "4", "0/10"]
    assert row(text, "www")[1:3] == ["(in)", "OPEN"]


def test_growth_is_told_by_the_second() -> None:
    first = sample()
    later = FRONT.replace(",1000,20000,1,,,2,50,", ",3000,60000,2,,,4,150,")
    cells = row(shown(sample(later, GOOD, when=2.0, before=first)), "www")
    assert cells[6:10] == ["50", "1.0k", "20k", "2"]


def test_a_counter_that_was_cleared_counts_from_zero() -> None:
    first = sample()
    cleared = FRONT.replace(",1000,20000,", ",100,0,")
    assert sample(cleared, when=1.0, before=first).rates("bin") == {("www", "FRONTEND"): 100}


def test_a_sample_keeps_only_the_one_before_it() -> None:
    last = sample(when=2.0, before=sample(when=1.0, before=sample()))
    assert last.before is not None and last.before.before is None


def test_trouble_is_coloured() -> None:
    text = lines(sample(), Look(), 120, 30)
    [down] = [line for line in text if "s2" in line]
    [drained] = [line for line in text if "s3" in line]
    assert down.startswith(RED) and drained.startswith(YELLOW)


@pytest.mark.parametrize(
    ("view", "names"),
    [
        (View.ALL, ["www", "s1", "s2", "s3", "app"]),
        (View.PROXIES, ["www", "app"]),
        (View.SERVERS, ["s1", "s2", "s3"]),
        (View.TROUBLE, ["s2", "s3"]),
    ],
)
def test_a_view_shows_some_of_the_rows(view: View, names: list[str]) -> None:
    assert [line.split()[0] for line in shown(sample(), Look(view=view))[3:-1]] == names


def test_rows_are_sorted_by_a_column_the_most_first() -> None:
    look = Look(sort=[column.title for column in COLUMNS].index("queue"))
    text = shown(sample(), look)
    assert "*queue" in text[2]
    assert [line.split()[0] for line in text[3:5]] == ["s2", "app"]


def test_nothing_is_wider_or_longer_than_the_terminal() -> None:
    many = sample(*(GOOD.replace("s1", f"server-with-a-long-name-{n}") for n in range(50)))
    for width, height in ((1, 1), (5, 2), (20, 3), (40, 5), (80, 24), (200, 60)):
        text = shown(many, Look(first=1000), width, height)
        assert len(text) <= height
        assert max(map(len, text)) <= width
    assert "server-with-a-long-name-49" in "\n".join(shown(many, Look(first=1000), 200, 20))


def test_a_key_has_nothing_counted_anew() -> None:
    now = sample(GOOD)
    assert rates_of(now) is rates_of(now)
    assert rates_of(now) is not rates_of(sample(GOOD))


def test_a_name_moves_no_cursor() -> None:
    text = shown(sample(GOOD.replace("s1", "a\x1b[2Jb\x07")))
    assert "a?[2Jb?" in "\n".join(text)
    assert not any("\x1b" in line for line in text)


def test_keys_change_what_is_seen() -> None:
    look = Look()
    for key in ("down", "page down", "up"):
        press(look, key)
    assert look.first == 10
    press(look, "s")
    press(look, "p")
    assert (look.sort, look.paused) == (0, True)
    press(look, "v")
    assert (look.view, look.first) == (View.PROXIES, 0)
    press(look, "up")
    press(look, "x")
    assert look.first == 0


def test_the_choices_of_a_key_come_round() -> None:
    look = Look()
    for _ in range(len(View)):
        look.turn_view()
    for _ in range(len(COLUMNS) + 1):
        look.turn_sort()
    assert (look.view, look.sort) == (View.ALL, -1)


def test_another_answer_is_refused() -> None:
    with pytest.raises(AnswerError, match="Permission denied"):
        parse(0, "", "Permission denied\n")
