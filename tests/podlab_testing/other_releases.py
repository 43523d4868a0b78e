"""Releases that the working tree is not: copies of it with another version, from which playbooks are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from podlab import __version__
from podlab.lab import inventory
from podlab_testing.playbook_run import PLAYBOOK_WITHIN_S, Outcome, parse
from podlab_testing.source_code import PROJECT

FOLDERS = ("podlab", "master", "node", "protos", "scripts", "playbooks", "inventory", "examples", "tests/verify")
FILES = ("pyproject.toml", "README.md", "ansible.cfg")


def following(minors: int, patch: int = 0) -> str:
    """The version of the release so many minor ones after this one."""
    major, minor, *_ = __version__.split(".")
    return f"{major}.{int(minor) + minors}.{patch}"


@dataclass(frozen=True)
class OtherRelease:
    """A checkout in a folder of its own, which shares the clusters' directories with the working tree."""

    folder: Path

    @classmethod
    def copied(cls, folder: Path, version: str, changes: dict[str, str] | None = None) -> OtherRelease:
        """The working tree under another version. `changes` are texts that are added to files, by their paths."""
        for name in FOLDERS:
            shutil.copytree(PROJECT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(PROJECT / name, folder / name)
        (folder / ".podlab").symlink_to(PROJECT / ".podlab")
        init = folder / "podlab/__init__.py"
        init.write_text(re.sub(r'(?m)^__version__ = ".*"', f'__version__ = "{version}"', init.read_text()))
        for path, text in (changes or {}).items():
            with (folder / path).open("a") as file:
                file.write(text)
        return cls(folder)

    def play(self, lab: str, playbook: str, *options: str) -> Outcome:
        """Run one of its playbooks on the lab."""
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", inventory.inventory_dir(lab, PROJECT), f"playbooks/{playbook}", *options],
            cwd=self.folder,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PLAYBOOK_WITHIN_S,
        )
        return parse(done.stdout + done.stderr, done.returncode)
