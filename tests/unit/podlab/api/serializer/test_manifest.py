"""YAML that wants to be more than it is."""

from __future__ import annotations

import pytest

from podlab.api.serializer import manifest
from podlab.errors import BadRequest


def test_lists_stand_for_what_they_hold_and_empty_documents_for_nothing() -> None:
    named = "{kind: Namespace, metadata: {name: %s}}"
    text = "\n---\n".join(
        ["", named % "a", "# nothing", named % "b", f"kind: List\nitems:\n- {named % 'c'}\n- {named % 'd'}"]
    )
    assert [one.title for one in manifest.read(text)] == [
        'Namespace "a" (line 3)',
        'Namespace "b" (line 7)',
        'Namespace "c" (line 11)',
        'Namespace "d" (line 12)',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "malformed YAML at line 2, column 1: did not find expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3\n", 'malformed YAML at line 3, column 1: key "a" is given twice'),
        ("a:\n\t- b", "malformed YAML at line 2, column 1: found character that cannot start any token"),
    ],
)
def test_malformed_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        manifest.read(text)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["[" * 60_000, "- " * 60_000 + "a", "{a: " * 60_000, "[" * 201 + "]" * 201])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"nested deeper than 200 levels|exceeded maximum nesting depth"):
        manifest.read(text)


def doubled(last: str, times: int) -> str:
    """Each line holds the one before twice."""
    return "\n".join(["a0: &a0 {k: v}", *(last.format(one=f"a{n + 1}", before=f"*a{n}") for n in range(times))])


@pytest.mark.parametrize("line", ["{one}: &{one} [{before}, {before}]", "{one}: &{one} {{<<: [{before}, {before}]}}"])
def test_aliases_that_stand_for_more_than_memory_holds_are_refused(line: str) -> None:
    assert manifest.read(doubled(line, 10))
    with pytest.raises(BadRequest, match="aliases stand for too much"):
        manifest.read(doubled(line, 40))


@pytest.mark.parametrize("text", ["&a [*a]", "x: &a {y: [*a]}"])
def test_an_alias_that_is_part_of_itself_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="part of what it stands for"):
        manifest.read(text)


def test_anchors_are_of_one_document() -> None:
    with pytest.raises(BadRequest, match="undefined alias"):
        manifest.read("a: &a 1\n---\nb: *a")


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(BadRequest, match="column 4: the number is too long"):
        manifest.read("a: " + "1" * 5000)
