"""A bundle's parts on the controller, before they are packed: a folder with a file for each."""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podlab.deploy.support.redaction import Redactor, is_secret_name

_UNREACHABLE: Final = "unreachable.json"


@dataclass(frozen=True)
class Unreachable:
    """A host of which nothing is known, and why."""

    host: str
    cause: str
    remedy: str


def host_folder(folder: Path, host: str) -> Path:
    return folder / "hosts" / host


def write_host(folder: Path, host: str, files: Mapping[str, str], redactor: Redactor) -> None:
    """`files` are what podlab_collect has packed; what the redactor knows of is not written."""
    for name, content in files.items():
        text = zlib.decompress(base64.b64decode(content)).decode(errors="replace")
        write(host_folder(folder, host), name, redactor.text(text))


def write_unreachable(folder: Path, found: Unreachable) -> None:
    write(host_folder(folder, found.host), _UNREACHABLE, json.dumps({"cause": found.cause, "remedy": found.remedy}))


def unreachable(folder: Path, hosts: Iterable[str]) -> Iterator[Unreachable]:
    """Those of the hosts that told nothing."""
    for host in hosts:
        own = host_folder(folder, host)
        if (own / _UNREACHABLE).exists():
            yield Unreachable(host, **json.loads((own / _UNREACHABLE).read_text()))
        elif not own.is_dir():
            yield Unreachable(host, "it did not answer in time", "see whether `ansible -m ping` reaches it")


def write(folder: Path, name: str, text: str) -> None:
    """Raises ValueError for a name that leads out of the folder."""
    path = folder / name.lstrip("/")
    if ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the bundle")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def secret_variables(variables: Mapping[str, object]) -> frozenset[str]:
    """The values of those of a host's variables that are called like secrets, with vaults opened."""
    return frozenset(str(value) for name, value in variables.items() if is_secret_name(name) and value)


def secrets_in(directory: Path) -> frozenset[str]:
    """What of the files of a cluster's directory on the controller is secret, by value."""
    paths = [path for name in ("*.key", "tokens.csv", "configuration.yaml") for path in directory.rglob(name)]
    found = {line.strip() for path in paths for line in path.read_text(errors="replace").splitlines()}
    tokens = {line.partition(",")[0].strip('"') for line in found if "," in line}
    keys = {line.partition("secret:")[2].strip(" '\"") for line in found if "secret:" in line}
    names = ("apiVersion", "kind", "resources", "- ", "providers", "keys", "aesgcm", "identity")
    return frozenset({line for line in found if not line.startswith(names)} | tokens | keys)
