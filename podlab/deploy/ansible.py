"""How our playbooks are run, from a checkout and from an installed wheel: program, command line and settings."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from podlab.client.config import HOME, home
from podlab.deploy.release.sources import project_root


class PlaybookNameError(ValueError):
    """There is no such playbook; the message names those that there are."""


def command(playbook: str, options: Sequence[str]) -> list[str]:
    """ansible-playbook, which is installed beside this Python, with a playbook of ours; `options` are its own."""
    return [str(Path(sys.executable).with_name("ansible-playbook")), *options, str(project_root() / playbook)]


def environment() -> dict[str, str]:
    """That of this process, with where the clusters' folders are, and our ansible.cfg where nobody set another."""
    found = {**os.environ, HOME: str(home())}
    if not Path("ansible.cfg").exists() and not Path("~/.ansible.cfg").expanduser().exists():
        found.setdefault("ANSIBLE_CONFIG", str(project_root() / "ansible.cfg"))
    return found


def named(name: str) -> str:
    """The playbook that is called this, as `command` takes it. Raises PlaybookNameError."""
    known = {path.stem: path for path in sorted((project_root() / "playbooks").glob("*.yml"))}
    if (found := known.get(name.removesuffix(".yml"))) is None:
        raise PlaybookNameError(f"there is no playbook {name}: there are {', '.join(known)}")
    return f"playbooks/{found.name}"
