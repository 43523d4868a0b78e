"""What a playbook's output says: which tasks changed which hosts, and the recap."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

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
