"""Every command that a page shows is one: `podlab` takes its words; its playbook and its make target are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.source_code import PROJECT

from podlab.cli.main import command

PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("inventory/*.md")])
BLOCK = re.compile(r"^```(?:console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
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


@pytest.mark.parametrize("words", shown("ansible-playbook"))
def test_its_playbook_is_there(words: list[str]) -> None:
    # The collection's are called by their names.
    named = [f"playbooks/{word.removeprefix(OURS).replace('_', '-')}.yml" for word in words if word.startswith(OURS)]
    (playbook,) = named or [word for word in words if word.endswith(".yml") and not word.startswith("-")]
    assert (PROJECT / playbook).is_file()


@pytest.mark.parametrize("words", shown("make"))
def test_its_make_targets_are_there(words: list[str]) -> None:
    assert {word for word in words if "=" not in word and not word.startswith("-")} <= TARGETS
