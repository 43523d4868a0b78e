"""Runs playbooks that ask hosts: Ansible connects, with whatever options, variables and settings it is given."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from podlab.deploy import ansible
from podlab.deploy.preflight.outcome import Outcome, load

_PLAYBOOK = "playbooks/preflight.yml"


class PreflightError(Exception):
    """Ansible did not get as far as a verdict; the message is what it said."""


def look(options: Sequence[str]) -> Outcome:
    """The outcome for an inventory; `options` are ansible-playbook's. May ask for passwords on the terminal."""
    with tempfile.TemporaryDirectory(prefix="podlab-") as folder:
        report = Path(folder) / "report.json"
        code, said = run(_PLAYBOOK, [*options, "-e", f"preflight_report={report}"])
        if not report.exists():
            raise PreflightError(failure(code, said))
        return load(report.read_text())


def run(playbook: str, options: Sequence[str]) -> tuple[int, str]:
    """The exit code of ansible-playbook with a playbook of ours, and what it said."""
    done = subprocess.run(
        ansible.command(playbook, options),
        env=ansible.environment() | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def inventory_given(options: Sequence[str]) -> bool:
    """Whether they say which inventory: -i FILE, -iFILE, --inventory FILE, --inventory=FILE."""
    return any(option.startswith(("-i", "--inventory")) for option in options)


def failure(code: int, said: str) -> str:
    """A command line that is wrong is answered with pages of help, in the midst of which stands why."""
    usage = next((line for line in said.splitlines() if line.startswith("ansible-playbook: error: ")), "")
    return usage or f"ansible-playbook failed with exit code {code}:\n{said.strip()}"
