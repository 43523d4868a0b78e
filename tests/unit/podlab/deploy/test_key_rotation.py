"""A key takes another one's place: which one is used and which ones are known after each step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from podlab.deploy import key_rotation

CURRENT = "current.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / CURRENT).write_bytes(b"first")
    return tmp_path


def step(folder: Path, wanted: str) -> bool:
    return key_rotation.advance(folder, CURRENT, wanted, lambda: b"second")


def held(folder: Path) -> tuple[bytes, set[bytes]]:
    """The one in use, and those that are known beside."""
    return (folder / CURRENT).read_bytes(), {path.read_bytes() for path in folder.glob("*.key") if path.name != CURRENT}


def test_a_key_is_known_before_it_is_used_and_the_former_one_after_that(folder: Path) -> None:
    assert step(folder, "trust")
    assert held(folder) == (b"first", {b"second"})
    assert step(folder, "sign")
    assert held(folder) == (b"second", {b"first"})
    assert step(folder, "alone")
    assert held(folder) == (b"second", set())


def test_steps_that_were_done_are_not_done_again(folder: Path) -> None:
    step(folder, "trust")
    assert not step(folder, "trust")
    step(folder, "sign")
    assert [step(folder, again) for again in ("trust", "sign")] == [False, False]
    assert held(folder) == (b"second", {b"first"})


def test_where_former_keys_are_kept_another_rotation_may_follow_at_any_time(folder: Path) -> None:
    for new in (b"second", b"third"):
        for wanted in ("trust", "sign"):
            assert key_rotation.advance(folder, CURRENT, wanted, partial(bytes, new), keeps_former=True)
    assert held(folder) == (b"third", {b"first", b"second"})


def test_what_was_cut_off_between_its_two_writes_loses_no_key(folder: Path) -> None:
    step(folder, "trust")
    (folder / "former-0.key").write_bytes(b"first")  # it has its new name, and then the machine was gone
    assert not step(folder, "trust")
    assert step(folder, "sign")
    assert held(folder) == (b"second", {b"first"})


def test_nothing_is_taken_away_while_the_next_key_is_not_in_use(folder: Path) -> None:
    step(folder, "trust")
    assert not step(folder, "alone")
    assert held(folder) == (b"first", {b"second"})
