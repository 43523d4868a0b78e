"""What was written and is not seen yet."""

from __future__ import annotations

from master.controllers.framework.expectations import Expectations


def test_nothing_is_outstanding_once_every_write_was_seen() -> None:
    expectations = Expectations()
    expectations.expect_created("rs", ["a", "b"])
    expectations.expect_deleted("rs", "c", "uid-c")
    expectations.seen_created("rs", "a")
    expectations.seen_deleted("rs", "c")
    assert expectations.outstanding("rs").created == {"b"}
    expectations.seen_created("rs", "b")
    assert not expectations.outstanding("rs")


def test_what_others_write_does_not_count() -> None:
    expectations = Expectations()
    expectations.expect_created("rs", ["a"])
    expectations.seen_created("rs", "stranger")
    expectations.seen_created("other", "a")
    assert expectations.outstanding("rs").created == {"a"}


def test_a_write_is_overdue_after_a_while_and_at_once_when_its_answer_was_lost() -> None:
    now = [100.0]
    expectations = Expectations(lambda: now[0])
    expectations.expect_created("rs", ["a"])
    assert not expectations.overdue("rs", 5)
    now[0] += 5
    assert expectations.overdue("rs", 5)
    expectations.expect_created("other", ["a"])
    expectations.doubt("other")
    assert expectations.overdue("other", 5)
    expectations.forget("other")
    assert not expectations.overdue("other", 5)
