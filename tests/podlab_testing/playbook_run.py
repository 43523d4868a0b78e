"""Playbooks run on a lab, and what their output says: which tasks changed which hosts, and the recap."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from podlab.lab import inventory
from podlab_testing.source_code import PROJECT

PLAYBOOK_WITHIN_S = 900

TASK = re.compile(r"(?:TASK|RUNNING HANDLER) \[(?:[\w-]+ : )?(?P<name>.*)\] \*+")
CHANGED = re.compile(r"changed: \[(?P<host>[\w-]+)")
RECAP = re.compile(
    r"(?P<host>[\w-]+) +: ok=\d+ +changed=(?P<changed>\d+) +unreachable=(?P<unreachable>\d+) +failed=(?P<failed>\d+)"
)


@dataclass
class Outcome:
    """`changed` holds (task, host); the rest is counted by Ansible, by host."""

    text: str
    code: int
    changed: set[tuple[str, str]] = field(default_factory=set)
    changes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)


def parse(text: str, code: int) -> Outcome:
    outcome, task = Outcome(text, code), ""
    for line in text.splitlines():
        if found := TASK.match(line):
            task = found["name"]
        elif found := CHANGED.match(line):
            outcome.changed.add((task, found["host"]))
        elif found := RECAP.match(line):
            outcome.changes[found["host"]] = int(found["changed"])
            outcome.failures[found["host"]] = int(found["failed"]) + int(found["unreachable"])
    return outcome


Play = Callable[..., Outcome]
"""Runs a playbook with options, as `play("site.yml", "--check")`."""


def player(lab: str) -> Play:
    """Runs playbooks on the lab with this name, whose inventory has been written."""

    def run(playbook: str, *options: str) -> Outcome:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "-i", inventory.inventory_dir(lab, PROJECT), PROJECT / "playbooks" / playbook, *options],
            cwd=PROJECT,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PLAYBOOK_WITHIN_S,
        )
        return parse(done.stdout + done.stderr, done.returncode)

    return run
