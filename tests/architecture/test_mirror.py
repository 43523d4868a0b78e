"""The mirror rule: unit tests stand in the folders of what they test, under its name.

A test file of no single module tries several together: it stands in the folder that they share, and says what it is
about.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from podlab_testing.source_code import PROJECT

UNIT = PROJECT / "tests/unit"
TESTS = sorted(path.relative_to(UNIT) for path in UNIT.rglob("test_*.py"))
OF_SEVERAL_MODULES = 45


def _tested(test: Path) -> Path:
    return PROJECT / test.parent / test.stem.removeprefix("test_")


def _is_mirror(test: Path) -> bool:
    """Of one module, or of one package."""
    return _tested(test).with_suffix(".py").exists() or _tested(test).is_dir()


@pytest.mark.parametrize("folder", sorted({test.parent for test in TESTS}), ids=str)
def test_a_folder_of_tests_is_a_folder_of_the_code(folder: Path) -> None:
    assert (PROJECT / folder).is_dir()


@pytest.mark.parametrize("test", [test for test in TESTS if not _is_mirror(test)], ids=str)
def test_a_file_of_no_single_module_says_what_it_is_about(test: Path) -> None:
    assert ast.get_docstring(ast.parse((UNIT / test).read_text()))


def test_most_files_are_of_one_module() -> None:
    assert len([test for test in TESTS if not _is_mirror(test)]) <= OF_SEVERAL_MODULES
