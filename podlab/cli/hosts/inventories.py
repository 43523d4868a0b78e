"""Inventories that `podlab init` and `podlab join` write: hosts, groups and how they are reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from podlab.client.config import STATE_DIRECTORY, home
from podlab.settings import SettingsError

HEADER: Final = "# Written by `podlab init` and `podlab join`. Change it as you like: both keep what is there.\n"
Groups = dict[str, dict[str, dict[str, str | int]]]
"""Group, host, variable."""

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")


@dataclass(frozen=True)
class NewHost:
    """A host as it is given: [USER@]ADDRESS[:PORT], and what the cluster is to call it."""

    address: str
    name: str
    user: str = ""
    port: int = 0

    def variables(self) -> dict[str, str | int]:
        """Of Ansible's, those that differ from what it would take."""
        found: dict[str, str | int] = {"ansible_host": self.address}
        if self.user:
            found["ansible_user"] = self.user
        if self.user not in ("", "root"):
            found["ansible_become"] = "true"
        return {**found, "ansible_port": self.port} if self.port else found


def parse(text: str, name: str) -> NewHost:
    """Raises ValueError, which says what is wrong with it."""
    found = re.fullmatch(
        r"(?:(?P<user>[^@\s]+)@)?(?P<address>\[[0-9a-fA-F:.]+\]|[^@:\s]+)(?::(?P<port>\d{1,5}))?", text
    )
    if found is None:
        raise ValueError(f"{text!r} is not a host: give [USER@]ADDRESS[:PORT]")
    if not _NAME.match(name):
        raise ValueError(
            f"{name!r} is no name of a node: lower case letters, digits, '-' and '.'; give one with --name"
        )
    return NewHost(found["address"].strip("[]"), name, found["user"] or "", int(found["port"] or 0))


def path_of(cluster: str) -> Path:
    """Where the cluster's inventory is, or will be."""
    return home() / STATE_DIRECTORY / cluster / "inventory" / "hosts.yml"


def first(cluster: str, target: NewHost) -> dict[str, object]:
    """A cluster of one host, which is master and node."""
    hosts = {target.name: target.variables()}
    return _document(cluster, {"masters": hosts, "nodes": {target.name: {}}})


def joined(document: Mapping[str, object], target: NewHost) -> dict[str, object]:
    """The same inventory with a node more. Raises SettingsError where the host or its name is there already."""
    groups, variables = _read(document)
    for group, hosts in groups.items():
        for name, own in hosts.items():
            if name == target.name or own.get("ansible_host") == target.address:
                raise SettingsError(
                    f"{name} is there already, in the group {group}, at {own.get('ansible_host', name)}"
                )
    groups.setdefault("nodes", {})[target.name] = target.variables()
    return _document(str(variables["podlab_cluster"]), groups, variables)


def node_at(document: Mapping[str, object], address: str) -> str:
    """The name of the node that was joined at the address; empty where none was."""
    nodes = _read(document)[0].get("nodes", {})
    return next((name for name, own in nodes.items() if own.get("ansible_host") == address), "")


def next_name(document: Mapping[str, object]) -> str:
    """n1, n2 ...: the first that is free."""
    taken = {name for hosts in _read(document)[0].values() for name in hosts}
    return next(name for number in range(1, len(taken) + 2) if (name := f"n{number}") not in taken)


def load(path: Path) -> dict[str, object]:
    """Raises SettingsError where there is none, or not one of this form."""
    if not path.exists():
        raise SettingsError(f"there is no {path}: begin with `podlab init HOST`, or name the cluster with --cluster")
    found: object = yaml.safe_load(path.read_text())
    if not isinstance(found, dict):
        raise SettingsError(f"{path} is no inventory of `podlab init`: add the host to it by hand (docs/inventory.md)")
    return {str(name): each for name, each in found.items()}


def save(path: Path, document: Mapping[str, object]) -> None:
    """Whole or not at all, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parents[1].chmod(0o700)
    partial = path.with_suffix(".partial")
    partial.write_text(HEADER + yaml.safe_dump(dict(document), sort_keys=False))
    partial.replace(path)


def _document(cluster: str, groups: Groups, variables: Mapping[str, object] | None = None) -> dict[str, object]:
    children = {group: {"hosts": hosts} for group, hosts in groups.items()}
    return {"all": {"vars": {**(variables or {}), "podlab_cluster": cluster}, "children": children}}


def _read(document: Mapping[str, object]) -> tuple[Groups, dict[str, object]]:
    top = document.get("all")
    try:
        assert isinstance(top, dict)
        groups = {group: dict(own["hosts"]) for group, own in top["children"].items()}
        variables = {"podlab_cluster": "", **top["vars"]}
    except (AssertionError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError("it is no inventory of `podlab init`: add the host by hand (docs/inventory.md)") from error
    return {group: {name: dict(own or {}) for name, own in hosts.items()} for group, hosts in groups.items()}, variables
