from __future__ import annotations

from master.apiserver.rest.connections import ConnectionLimits


def doors(**more: float) -> ConnectionLimits[str]:
    return ConnectionLimits(**{"first_limit_s": 10.0, "idle_limit_s": 90.0} | more)  # type: ignore[arg-type]


def test_who_says_nothing_has_to_go() -> None:
    made = doors()
    for name, now in (("early", 0.0), ("late", 5.0)):
        assert made.arrive(name, "a", now) is None
    assert list(made.overdue(9.9)) == []
    assert list(made.overdue(10.0)) == ["early"]
    assert list(made.overdue(15.0)) == ["late"]
    assert len(made) == 0


def test_who_asks_stays_as_long_as_it_takes() -> None:
    made = doors()
    made.arrive("one", "a", 0.0)
    made.speaks("one")
    assert list(made.overdue(1000.0)) == []
    made.rests("one", 1000.0)
    assert list(made.overdue(1089.0)) == []
    assert list(made.overdue(1090.0)) == ["one"]


def test_the_longest_silent_of_an_address_makes_room() -> None:
    made = doors(silent_of_address=2)
    for name in ("1", "2"):
        made.arrive(name, "bad", 0.0)
    made.arrive("quiet", "good", 0.0)
    assert [made.arrive(name, "bad", 1.0) for name in ("3", "4")] == ["1", "2"]
    assert made.arrive("other", "good", 1.0) is None


def test_who_never_asked_goes_before_who_did() -> None:
    made = doors(silent_of_address=2)
    made.arrive("known", "a", 0.0)
    made.rests("known", 0.5)
    made.arrive("stranger", "a", 1.0)
    assert made.arrive("next", "a", 2.0) == "stranger"


def test_when_all_is_full_the_largest_crowd_makes_room() -> None:
    made = doors(silent=3)
    for number in range(3):
        made.arrive(f"b{number}", "bad", 0.0)
    assert made.arrive("g", "good", 0.0) == "b0"


def test_a_newcomer_goes_itself_when_all_others_are_busy() -> None:
    made = doors(all=2)
    for name in ("1", "2"):
        made.arrive(name, "a", 0.0)
        made.speaks(name)
    assert made.arrive("3", "a", 0.0) == "3"
    assert len(made) == 2


def test_who_is_gone_is_forgotten() -> None:
    made = doors()
    made.arrive("1", "a", 0.0)
    made.leave("1")
    made.leave("1")
    made.rests("1", 1.0)
    made.speaks("1")
    assert len(made) == 0
    assert list(made.overdue(1000.0)) == []
