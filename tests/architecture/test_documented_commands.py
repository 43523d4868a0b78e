"""Every command that a page shows is one: `podlab` takes its words; its playbook and its make target are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.source_code import PROJECT

from podlab.cli.main import command

PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("inventory/*.md")])
BLOCK = re.compile(r"^```(?:console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
# Of the tests that run playbooks on hosts.
DEPLOYING = [path.read_text() for path in PROJECT.glob("tests/e2e/**/*.py")]
OURS = "podlab.cluster."
AFTER_IT = frozenset({"|", ">", "&&", ";", "&"})


def simple_commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a shell's line, without `sudo` and assignments before them."""
    words: list[str] = []
    for word in [*shlex.split(re.sub(r"\$\([^)]*\)", "substituted", line), comments=True), ";"]:
        if word in AFTER_IT:
            yield words
            words = []
        elif words or not (word in {"sudo", "env"} or re.match(r"\w+=", word)):
            words.append(word)


def shown(program: str) -> list[Any]:
    """All command lines of that program in blocks of the pages."""
    return [
        pytest.param(words[1:], id=f"{page.name}: {' '.join(words)}")
        for page in PAGES
        for block in BLOCK.findall(page.read_text())
        for line in block.splitlines()
        if re.match(rf"(\$ )?(\w+=\S+ |sudo |env )*(\S+/)?{program} ", line)
        for words in simple_commands(line.removeprefix("$ "))
        if words and Path(words[0]).name == program
    ]


@pytest.mark.parametrize("words", shown("podlab"))
def test_podlab_takes_its_words_and_options(words: list[str]) -> None:
    one, context = command(), None
    while True:
        loaded: Any = one.load() if hasattr(one, "load") else one
        context = loaded.make_context(loaded.name or "podlab", list(words), parent=context)
        if not hasattr(loaded, "commands"):
            return
        words = [*context._protected_args, *context.args]
        if not words and loaded.invoke_without_command:
            return
        _, one, words = loaded.resolve_command(context, words)


def playbook(words: list[str]) -> str:
    # The collection's are called by their names.
    named = [f"playbooks/{word.removeprefix(OURS).replace('_', '-')}.yml" for word in words if word.startswith(OURS)]
    (found,) = named or [word for word in words if word.endswith(".yml") and not word.startswith("-")]
    return found


@pytest.mark.parametrize("words", shown("ansible-playbook"))
def test_its_playbook_is_there(words: list[str]) -> None:
    assert (PROJECT / playbook(words)).is_file()


@pytest.mark.parametrize("words", shown("ansible-playbook"))
def test_its_playbook_is_run_with_these_variables_by_a_test(words: list[str]) -> None:
    """What stands in a page for one of the reader's own, a file or a host, is another one there."""
    given = [after for before, after in pairwise(words) if before == "-e"]
    wanted = {each if re.fullmatch(r"\w+=[a-z-]+", each) else each.partition("=")[0] + "=" for each in given}
    name = Path(playbook(words)).stem
    running = [text for text in DEPLOYING if f"{name}.yml" in text or f'"{name}"' in text]
    assert running
    assert {each for each in wanted if not any(each in text for text in running)} == set()


@pytest.mark.parametrize("words", shown("make"))
def test_its_make_targets_are_there(words: list[str]) -> None:
    assert {word for word in words if "=" not in word and not word.startswith("-")} <= TARGETS
