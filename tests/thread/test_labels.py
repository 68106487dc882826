"""The list of lock labels."""

from __future__ import annotations

from lbcore.thread.labels import Label, label_names


def test_ranks_grow_without_a_gap_from_the_outermost_on() -> None:
    assert [label.value for label in Label] == list(range(1, len(Label) + 1))


def test_a_log_line_may_be_written_under_any_lock() -> None:
    assert max(Label) is Label.LOGRING


def test_objects_are_locked_before_tasks_and_tasks_before_descriptors() -> None:
    nesting = [Label.GLOBAL, Label.PROXY, Label.SERVER, Label.TABLE, Label.TENTRY, Label.WQ, Label.RQ, Label.FD]
    assert nesting == sorted(nesting)


def test_every_label_has_a_name_of_its_own() -> None:
    names = label_names()
    assert len(set(names.values())) == len(Label)
    assert names[Label.WQ] == "wait queue"
