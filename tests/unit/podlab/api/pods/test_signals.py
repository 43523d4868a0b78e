"""Signals by their names."""

from __future__ import annotations

import signal

import pytest

from podlab.api.pods.signals import SIGNALS, is_signal, number


def test_they_are_those_of_this_kernel() -> None:
    here = {name: value for name, value in signal.Signals.__members__.items() if name in SIGNALS}
    assert {name: int(value) for name, value in here.items()} == {name: SIGNALS[name] for name in here}
    assert here.keys() >= {"SIGTERM", "SIGUSR1", "SIGRTMIN"}


@pytest.mark.parametrize(("name", "value"), [("SIGRTMIN+3", 37), ("SIGRTMAX-1", 63), ("SIGTERM", 15)])
def test_there_are_more_than_have_names(name: str, value: int) -> None:
    assert number(name) == value


@pytest.mark.parametrize("name", ["", "TERM", "SIGRTMIN+0", "SIGRTMIN+16", "SIGNONE"])
def test_others_are_none(name: str) -> None:
    assert not is_signal(name)
