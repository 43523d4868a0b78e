"""Documents whose commands are run: in blocks of `console`, lines after `$ ` are typed, and others are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROMPT = "$ "
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Names that are drawn, ports, ages, addresses: whatever has a digit is another the next time.
_VARIES = re.compile(r"\S*\d\S*")


@dataclass(frozen=True)
class Step:
    """A command, and what it prints."""

    command: str
    printed: str = ""

    def shows(self, output: str) -> bool:
        """Whether the output is what the document shows, but for spaces and for words that have digits."""
        return _words(self.printed) == _words(output)


def steps(document: Path) -> list[Step]:
    """All commands, in the document's order."""
    found: list[Step] = []
    for block in _BLOCK.findall(document.read_text()):
        for command, *printed in (part.split("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]):
            found.append(Step(command, "\n".join(printed).strip()))
    return found


def _words(text: str) -> list[list[str]]:
    return [_VARIES.sub("#", line).split() for line in text.strip().splitlines()]
