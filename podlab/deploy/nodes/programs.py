"""The programs that Ansible actions run on the controller to speak with a cluster.

gRPC and the forks that Ansible makes of itself do not go together, so each is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.nodes.departure import Departed
from podlab.deploy.nodes.standing import Standing, read
from podlab.deploy.release.sources import project_root

WITHIN_S = 30.0


class AskingError(Exception):
    """It did not do what it was asked to; the message is what it said."""


@dataclass(frozen=True)
class AskedCluster:
    """By its name, and its directory in `.podlab`."""

    name: str
    directory: Path

    def standings(self, names: Sequence[str]) -> dict[str, Standing | None]:
        """None stands for a node that the cluster does not have. Raises AskingError where it cannot be asked."""
        if not (self.directory / "client.yaml").is_file():
            raise AskingError(
                f"there is no {self.directory}/client.yaml: this machine has deployed no cluster {self.name}"
            )
        asked = self._told([sys.executable, "-m", "podlab.deploy.nodes.standing", str(self.directory), *names])
        if asked.returncode != 0:
            raise AskingError(f"the cluster cannot be asked, and nothing was changed: {asked.stderr.strip()}")
        return read(json.loads(asked.stdout))

    def delete(self, name: str) -> None:
        """Success when there is no such node. Raises AskingError."""
        deleted = self.podlab(["delete", "node", name, "--ignore-not-found", "--timeout", f"{WITHIN_S:g}"])
        if deleted.returncode != 0:
            raise AskingError(f"{name} is still a node: {deleted.stderr.strip()}")

    def depart(self, names: Sequence[str]) -> Departed:
        """Delete nodes whose machines are gone; success where there is no such node. Raises AskingError."""
        gone = self._told([sys.executable, "-m", "podlab.deploy.nodes.departure", str(self.directory), *names])
        if gone.returncode != 0:
            raise AskingError(f"{' and '.join(names)} could not be taken out of the cluster: {gone.stderr.strip()}")
        return Departed.read(json.loads(gone.stdout))

    def podlab(self, arguments: Sequence[str], timeout_s: float = 2 * WITHIN_S) -> subprocess.CompletedProcess[str]:
        """A command of `podlab`, whatever becomes of it. Raises AskingError when it does not end."""
        return self._told([sys.executable, "-m", "podlab.cli.main", *arguments], timeout_s)

    def _told(self, command: Sequence[str], timeout_s: float = WITHIN_S) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                cwd=self.directory,  # from where the command line finds the cluster
                env={**os.environ, "PODLAB_CLUSTER": self.name, "PYTHONPATH": str(project_root())},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            raise AskingError(f"{' '.join(command)} did not end within {timeout_s:g} s") from error
