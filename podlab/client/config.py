"""Where a cluster's API server is and who we are to it: `.podlab/<cluster>/client.yaml`."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from podlab import ports, settings
from podlab.tls import Tls

STATE_DIRECTORY = ".podlab"
DEFAULT_CLUSTER = "lab"
HOME = "PODLAB_HOME"


@dataclass(frozen=True)
class ClientConfig:
    """`server` is host:port, or the addresses of several with commas between. `endpoint` is host:port of the REST API
    for clients that know one address only; the first of the servers when it is empty.

    Relative paths in `tls` start at the file's own directory.
    """

    cluster: str
    server: str
    tls: Tls
    endpoint: str = ""

    @property
    def rest(self) -> tuple[str, int]:
        """Host and port of the REST API."""
        first = self.server.partition(",")[0]
        host, _, port = (self.endpoint or f"{first.rpartition(':')[0]}:{ports.REST}").rpartition(":")
        return host, int(port)


def cluster_name(given: str = "") -> str:
    """The cluster that is meant: the one given, that of PODLAB_CLUSTER, or `lab`."""
    return given or os.environ.get("PODLAB_CLUSTER", "") or DEFAULT_CLUSTER


def home() -> Path:
    """The directory whose `.podlab` a deployment writes: that which PODLAB_HOME names, the checkout whose `.venv` this
    program is in, or the user's own.
    """
    project = Path(sys.prefix).parent
    return Path(given) if (given := os.environ.get(HOME)) else project if _is_checkout(project) else Path.home()


def _is_checkout(directory: Path) -> bool:
    return (directory / "playbooks").is_dir() and (directory / "podlab").is_dir()


def state_directory(cluster: str, start: Path | None = None) -> Path:
    """The cluster's directory in `.podlab`, looked for from `start` upwards.

    Without `start`: from the working directory, then in the project whose `.venv` this program is in, and at home, so
    that the command works anywhere. Raises SettingsError when there is none.
    """
    elsewhere: tuple[Path, ...] = () if start else (Path(sys.prefix).parent, home())
    start = (start or Path.cwd()).resolve()
    for directory in (start, *start.parents, *elsewhere):
        candidate = directory / STATE_DIRECTORY / cluster
        if candidate.is_dir():
            return candidate
    raise settings.SettingsError(
        f"no {STATE_DIRECTORY}/{cluster} in {start} or above it: bring the cluster up with `make up` or `podlab up`, "
        "or name another with --cluster or PODLAB_CLUSTER"
    )


def load_client_config_of(directory: Path) -> ClientConfig:
    """That of the cluster whose directory it is. Raises SettingsError."""
    config = settings.load(directory / "client.yaml", ClientConfig)
    tls = Tls(ca=directory / config.tls.ca, cert=directory / config.tls.cert, key=directory / config.tls.key)
    return dataclasses.replace(config, tls=tls)


def load_client_config(cluster: str = "", start: Path | None = None) -> ClientConfig:
    """The client configuration of a cluster. Raises SettingsError."""
    return load_client_config_of(state_directory(cluster_name(cluster), start))
