"""Pages that lead newcomers through the code name only what is there."""

from __future__ import annotations

import ast
import re

import pytest
from podlab_testing.source_code import PROJECT

PATH = re.compile(r"`((?:\w[\w.-]*/)+[\w.-]*)`")
FUNCTION = re.compile(r"`((?:\w[\w.-]*/)+\w+\.py)`, `(\w+)`")


@pytest.mark.parametrize("page", ["docs/walk.md", "CONTRIBUTING.md"])
def test_every_path_exists(page: str) -> None:
    text = (PROJECT / page).read_text()
    named = PATH.findall(text)
    assert named
    # `podlab_testing/` stands on the tests' path.
    assert [one for one in named if not any((root / one).exists() for root in (PROJECT, PROJECT / "tests"))] == [
        "master/x/y.py",
        "tests/unit/master/x/test_y.py",
    ][: 2 * (page == "CONTRIBUTING.md")]


def test_every_function_that_the_walk_names_is_in_its_file() -> None:
    found = FUNCTION.findall((PROJECT / "docs/walk.md").read_text())
    assert found
    for path, name in found:
        nodes = ast.parse((PROJECT / path).read_text()).body
        assert name in {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}, path


def test_the_walk_answers_five_questions_in_three_steps_each() -> None:
    questions = (PROJECT / "docs/walk.md").read_text().split("\n## ")[1:]
    assert [re.findall(r"^(\d)\. ", one, flags=re.MULTILINE) for one in questions] == [["1", "2", "3"]] * 5
