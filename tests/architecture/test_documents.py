"""What users and newcomers are promised to find written."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import api_fields, variables_page
from podlab_testing.source_code import PROJECT, imports, modules

from podlab.cli.lazy import LazyCommand
from podlab.cli.main import command

PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("inventory/*.md")])
OWN = frozenset({"podlab", "master", "node"})
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def commands(one: Any, path: str) -> Iterator[str]:
    """The command lines of all commands below one, without their arguments."""
    loaded = one.load() if isinstance(one, LazyCommand) else one
    if not hasattr(loaded, "commands"):
        yield path
        return
    for name, inner in loaded.commands.items():
        if not inner.hidden:  # other names of the same command
            yield from commands(inner, f"{path} {name}")


@pytest.mark.parametrize("line", sorted(set(commands(command(), "podlab"))))
def test_every_command_is_explained(line: str) -> None:
    assert f"`{line.removeprefix('podlab ')}" in (PROJECT / "docs/commands.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_the_page_of_fields_says_what_the_code_does() -> None:
    assert api_fields.PAGE.read_text() == api_fields.page(), "run: make docs"


def test_the_page_of_variables_says_what_the_roles_take() -> None:
    assert variables_page.PAGE.read_text() == variables_page.page(), "run: make docs"


def test_what_the_page_of_conformance_names_is_tested() -> None:
    named = set(re.findall(r"::(test_\w+)", (PROJECT / "docs/conformance.md").read_text()))
    known = {
        each.name
        for path in PROJECT.glob("tests/[ei]*/**/test_*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert named
    assert named - known == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["master"], *extras["node"], *extras["controller"]]
    named = {re.split(r"[><=\[ ]", each)[0].lower() for each in wanted}
    page = (PROJECT / "ARCHITECTURE.md").read_text().lower()
    reasons = page[page.index("## dependencies") :]
    assert {name for name in named if name not in reasons} == set()


def test_what_hosts_need_the_machine_that_deploys_needs_too() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]["host"]) <= set(project["dependencies"])


def test_what_the_code_imports_is_declared() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = [each for group in (project["dependencies"], *project["optional-dependencies"].values()) for each in group]
    declared = {re.split(r"[><=\[ ]", each)[0].lower() for each in wanted}
    distributions = packages_distributions()
    for module in modules():
        for top in {name.partition(".")[0] for name in imports(module)}:
            names = {name.lower().replace("_", "-") for name in distributions.get(top, ())}
            assert not names or names & declared or top in OWN, f"{module} imports {top} of {', '.join(sorted(names))}"
