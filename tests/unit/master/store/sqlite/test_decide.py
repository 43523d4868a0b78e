import pytest

from master.store.contract import Change, Delete, Put
from master.store.errors import Mismatch
from master.store.sqlite.decide import OPERATIONS_BITS, Gathering, Standing, decide


def standing(revision: int) -> Standing:
    return Standing(revision << OPERATIONS_BITS, revision)


def test_commits_of_a_group_see_what_earlier_ones_left() -> None:
    verdict = decide([[Put("/a", b"1", 0)], [Put("/a", b"2", 11)], [Delete("/a", 12)]], {}, 10)
    assert verdict.results == [11, 12, 13]
    assert [row.change for row in verdict.rows] == [
        Change(11, "/a", b"1", 11),
        Change(12, "/a", b"2", 11),
        Change(13, "/a", None, 11),
    ]
    assert verdict.standing == {"/a": None}


def test_a_mismatch_fails_only_its_own_commit() -> None:
    verdict = decide([[Put("/a", b"1", 0)], [Put("/b", b"x", 0), Put("/a", b"2", 0)], [Put("/c", b"3", 0)]], {}, 1)
    first, refused, last = verdict.results
    assert (first, last) == (2, 3)
    assert isinstance(refused, Mismatch)
    assert (refused.key, refused.expected, refused.found) == ("/a", 0, 2)
    assert set(verdict.standing) == {"/a", "/c"}


def test_a_row_names_the_row_it_replaces() -> None:
    before = {"/a": standing(5)}
    verdict = decide([[Put("/b", b"", None), Put("/a", b"new", 5)]], before, 7)
    replaced = verdict.rows[1]
    assert replaced.row == (8 << OPERATIONS_BITS) + 1
    assert replaced.previous_row == before["/a"].row
    assert replaced.change.create_revision == 5


def test_a_commit_that_changes_nothing_takes_no_revision() -> None:
    verdict = decide([[Delete("/a", None)], [Delete("/b", 0), Put("/c", b"", None)]], {}, 4)
    assert verdict.results == [4, 5]
    assert len(verdict.rows) == 1


def test_what_was_read_before_is_left_as_it_was() -> None:
    before = {"/a": standing(2)}
    decide([[Delete("/a", None)]], before, 2)
    assert before == {"/a": standing(2)}


@pytest.mark.parametrize(
    ("under_way", "awaited"),
    [
        pytest.param((), 1, id="nothing has been written yet"),
        pytest.param((1, 1, 1), 1, id="one writes after the other"),
        pytest.param((2, 2), 1, id="two do not wait for each other"),
        pytest.param((3,), 3, id="three do"),
        pytest.param((16, 16), 16, id="as many as there are"),
        pytest.param((16, 5), 8, id="some are late this once"),
        pytest.param((16, 5, 5), 5, id="some stay away"),
        pytest.param((256, 1, 1, 1, 1, 1, 1, 1), 1, id="after a burst, one alone soon waits for nobody"),
    ],
)
def test_a_commit_waits_for_as_many_as_were_lately_under_way(under_way: tuple[int, ...], awaited: int) -> None:
    gathering = Gathering()
    for unanswered in under_way:
        gathering.sent(unanswered)
    assert gathering.awaited == awaited
