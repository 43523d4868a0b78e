"""Runs a playbook and shows of its output what a person wants to see; the rest goes to a log file."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from podlab.deploy import ansible
from podlab.lab.errors import LabError

PLAY = re.compile(r"PLAY \[(?P<name>.*)\] \*+")
TASK = re.compile(r"(TASK|RUNNING HANDLER) \[(?P<name>.*)\] \*+")
TROUBLE = re.compile(r"(fatal|failed): \[|\[ERROR\]|ERROR")
RESULT = re.compile(r"(ok|changed|skipping|included): \[")
# After the recap come the seconds of the plays and of the tasks that took longest.
PROFILED = {"ANSIBLE_CALLBACKS_ENABLED": "podlab_profile", "PODLAB_PROFILE_LEAST_S": "0.5"}


class Compact:
    """Ansible's output, reduced: plays and the recap as they are, a task's output only when it fails."""

    def __init__(self) -> None:
        self.task = ""
        self._in_recap = False
        self._in_trouble = False

    def feed(self, line: str) -> list[str]:
        """The lines to show now that this one was written."""
        if play := PLAY.match(line):
            self.task, self._in_trouble = "", False
            return [f"  {play['name']}"]
        if task := TASK.match(line):
            self.task, self._in_trouble = task["name"], False
            return []
        if line.startswith("PLAY RECAP"):
            self._in_recap, self._in_trouble = True, False
            return []
        if self._in_recap:
            return [f"  {line}"] if line.strip() else []
        return self._output_of_task(line)

    def _output_of_task(self, line: str) -> list[str]:
        if RESULT.match(line):
            self._in_trouble = False
        elif TROUBLE.match(line) and not self._in_trouble:
            self._in_trouble = True
            return [f"  failed: {self.task}", line] if self.task else [line]
        return [line] if self._in_trouble and line.strip() else []


def run(inventory: Path, playbook: Path, log: Path, show: Callable[[str], None], task: Callable[[str], None]) -> None:
    """Run the playbook; `show` gets lines to print and `task` the name of what runs now."""
    compact = Compact()
    with log.open("w") as copy:
        for line in _lines(inventory, playbook):
            copy.write(line)
            for shown in compact.feed(line.rstrip("\n")):
                show(shown)
            task(compact.task)


def _lines(inventory: Path, playbook: Path) -> Iterator[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = (
        PROFILED | ansible.environment() | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "PYTHONUNBUFFERED": "1"}
    )
    with subprocess.Popen(
        [program, "-i", inventory, playbook],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode != 0:
        raise LabError(f"{playbook} failed with exit code {process.returncode}: the cause stands above")
