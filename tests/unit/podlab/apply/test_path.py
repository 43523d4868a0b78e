"""Steps to fields: how they are written, sorted and shown."""

from __future__ import annotations

import pytest

from podlab.api.values.jsonvalues import Json
from podlab.apply import path


def test_steps_are_sorted_by_sort_then_by_what_they_say() -> None:
    ordered = [
        path.member("A"),
        path.member("a"),
        path.member("b"),
        path.keys({"name": "a"}),
        path.keys({"name": "b"}),
        path.keys({"port": 9}),
        path.keys({"port": 10}),
        path.keys({"port": 10, "protocol": "TCP"}),
        path.item(2),
        path.item(10),
        path.item("a"),
        path.item(False),
        path.item(True),
        "i:2",
        "i:10",
    ]
    mixed = ordered[::-1]
    assert sorted(mixed, key=path.order) == ordered


@pytest.mark.parametrize(
    ("value", "written"),
    [("a<b>&c", 'v:"a\\u003cb\\u003e\\u0026c"'), ("ü", 'v:"ü"'), (1, "v:1"), (True, "v:true"), ('"', 'v:"\\""')],
)
def test_items_are_written_as_go_writes_them(value: Json, written: str) -> None:
    assert path.item(value) == written
    assert path.read(written) == written


def test_a_path_is_shown_as_kubernetes_shows_it() -> None:
    steps = (
        path.member("spec"),
        path.keys({"protocol": "TCP", "containerPort": 80}),
        path.item("a"),
        "i:3",
        path.member("x"),
    )
    assert path.shown(steps) == '.spec[containerPort=80,protocol="TCP"][="a"][3].x'
