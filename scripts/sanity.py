"""ansible-test's sanity tests of the Ansible collection: `python scripts/sanity.py [--test NAME ...]`.

The tree is made anew outside of the checkout, of which ansible-test would see only what git knows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_collection import INSIDE, stage
from ansible_test._internal import python_requirements
from ansible_test._internal.host_configs import PythonConfig

CACHE = Path("~/.ansible/test/cache").expanduser()
# What ansible-test fetches from a server of Ansible's to put pip into an environment without it. Where packages come
# from a mirror, that server is not reached; the pip of this environment, which knows the mirror, does the same.
BOOTSTRAP = """\
import subprocess, sys
words = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([{python!r}, "-m", "pip", "--python", sys.executable, "install", *words]))
"""
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


class ThisPython(PythonConfig):  # type: ignore[misc] # Ansible has no types
    """The Python that all runs with."""

    is_managed = False


def bootstrap() -> None:
    version = python_requirements.get_venv_packages(ThisPython(VERSION))["pip"]
    path = CACHE / f"get_pip_{version.replace('.', '_')}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOOTSTRAP.format(python=sys.executable))


def main() -> int:
    bootstrap()
    program = Path(sys.executable).with_name("ansible-test")
    with tempfile.TemporaryDirectory(prefix="podlab-sanity-") as folder:
        tree = Path(folder) / INSIDE
        stage(tree)
        command = [str(program), "sanity", "--venv", "--python", VERSION, "--color", "no", *sys.argv[1:]]
        return subprocess.run(command, cwd=tree, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
