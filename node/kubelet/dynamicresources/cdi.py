"""What the Container Device Interface says of devices, as changes of a container's configuration.

Runtimes that know CDI are given the names of devices; containerd 1.6 is not one of them, so what the files say is put
into the configuration here. https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import yaml

from podlab.foreign.cri.v1 import api_pb2 as cri

DIRECTORIES = (Path("/etc/cdi"), Path("/var/run/cdi"))
_SUFFIXES = (".json", ".yaml")
_SUPPORTED = frozenset({"env", "deviceNodes", "mounts"})
_MOUNT_OPTIONS = frozenset({"bind", "rbind", "ro", "rw", "private", "rprivate", "nosuid", "nodev", "noexec"})


class CdiError(Exception):
    """A device that cannot be given to a container: says which, and why."""


@dataclass
class Edits:
    """What a container gets besides what its pod says."""

    environment: dict[str, str] = field(default_factory=dict)
    devices: list[cri.Device] = field(default_factory=list)
    mounts: list[cri.Mount] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


class _Node(TypedDict, total=False):
    path: str
    hostPath: str
    permissions: str


class _Mount(TypedDict, total=False):
    hostPath: str
    containerPath: str
    options: list[str]


class _ContainerEdits(TypedDict, total=False):
    env: list[str]
    deviceNodes: list[_Node]
    mounts: list[_Mount]


class _Device(TypedDict, total=False):
    name: str
    containerEdits: _ContainerEdits


class Spec(TypedDict, total=False):
    """A file of the format, as far as it is used."""

    kind: str
    devices: list[_Device]
    containerEdits: _ContainerEdits


def read(directories: Sequence[Path] = DIRECTORIES) -> list[Spec]:
    """All specifications, those of later directories last. Raises CdiError for a file that cannot be read."""
    found: list[Spec] = []
    for path in (path for directory in directories for path in sorted(directory.glob("*"))):
        if path.suffix in _SUFFIXES:
            try:
                spec: Spec = yaml.safe_load(path.read_text())
            except (OSError, yaml.YAMLError) as error:
                raise CdiError(f"CDI specification {path} cannot be read: {error}") from error
            if not isinstance(spec, dict) or not isinstance(spec.get("kind"), str):
                raise CdiError(f"CDI specification {path} does not say of which kind its devices are")
            found.append(spec)
    return found


def edits(ids: Iterable[str], specs: Sequence[Spec]) -> Edits:
    """What these devices, as vendor.com/class=name, bring along. Raises CdiError for one that is unknown, or that asks
    for what cannot be done."""
    made = Edits()
    done: set[str] = set()
    for each in dict.fromkeys(ids):
        kind, _, name = each.partition("=")
        spec, device = _found(each, kind, name, specs)
        if kind not in done:
            done.add(kind)
            _edit(made, f"CDI kind {kind}", spec.get("containerEdits") or {})
        _edit(made, f"CDI device {each}", device.get("containerEdits") or {})
    return made


def _found(each: str, kind: str, name: str, specs: Sequence[Spec]) -> tuple[Spec, _Device]:
    """The last one that says something of the device."""
    for spec in reversed(specs):
        if spec["kind"] == kind:
            for device in spec.get("devices") or ():
                if str(device.get("name")) == name:
                    return spec, device
    places = " or ".join(map(str, DIRECTORIES))
    raise CdiError(f"unresolvable CDI devices {each}: no specification in {places} has it")


def _edit(made: Edits, what: str, wanted: _ContainerEdits) -> None:
    if refused := sorted(name for name, value in wanted.items() if value and name not in _SUPPORTED):
        raise CdiError(f"{what}: containerEdits.{refused[0]} is not supported by Podlab")
    for pair in wanted.get("env") or ():
        name, _, value = str(pair).partition("=")
        made.environment[name] = value
    for node in wanted.get("deviceNodes") or ():
        path = str(node["path"])
        host, may = str(node.get("hostPath") or path), str(node.get("permissions") or "rwm")
        made.devices.append(cri.Device(container_path=path, host_path=host, permissions=may))
    for mount in wanted.get("mounts") or ():
        options = {str(option) for option in mount.get("options") or ()}
        if unknown := sorted(options - _MOUNT_OPTIONS):
            raise CdiError(f"{what}: mount option {unknown[0]} is not supported by Podlab")
        made.mounts.append(
            cri.Mount(
                container_path=str(mount["containerPath"]), host_path=str(mount["hostPath"]), readonly="ro" in options
            )
        )
