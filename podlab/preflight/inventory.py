"""Hosts and settings as Ansible sees them, asked from Ansible itself: any inventory and any ansible.cfg works."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from podlab.preflight.facts import Host

_TIMEOUT_S = 60


class InventoryError(Exception):
    """The inventory cannot be read, or lacks what a cluster needs."""


@dataclass(frozen=True)
class Inventory:
    hosts: tuple[Host, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Ansible's settings that differ from their defaults, by Ansible's own names."""


def read_inventory(sources: Sequence[str]) -> Inventory:
    """The hosts of the groups `masters` and `nodes` of one or more inventory sources."""
    for source in sources:
        if "," not in source and not Path(source).exists():
            raise InventoryError(f"there is no inventory {source}")
    options = [option for source in sources for option in ("-i", source)]
    with ThreadPoolExecutor(2) as pool:
        listing = pool.submit(_ansible, "ansible-inventory", *options, "--list")
        settings = pool.submit(_ansible, "ansible-config", "dump", "--only-changed", "--format", "json", "-t", "all")
        hosts = parse_listing(listing.result(), folder=_folder(sources[0]))
        changed = parse_settings(settings.result())
    if not hosts:
        raise InventoryError(f"{', '.join(sources)}: no host in the groups masters and nodes")
    return Inventory(hosts, changed)


def parse_listing(listing: Mapping[str, Any], *, folder: str) -> tuple[Host, ...]:
    """Hosts out of `ansible-inventory --list`, in the inventory's order, with their variables' templates filled in."""
    hostvars = listing.get("_meta", {}).get("hostvars", {})
    members = {group: list(_members(listing, group)) for group in ("masters", "nodes")}
    names = dict.fromkeys(members["masters"] + members["nodes"])
    return tuple(
        Host(
            name=name,
            groups=frozenset(group for group in members if name in members[group]),
            variables=_filled(name, hostvars.get(name, {}), folder),
        )
        for name in names
    )


def parse_settings(dump: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Name to value out of `ansible-config dump -t all`: the base settings and those of the ssh connection."""
    entries = [entry for entry in dump if "name" in entry]
    for plugins in (entry["CONNECTION_PLUGINS"] for entry in dump if "CONNECTION_PLUGINS" in entry):
        entries.extend(entry for plugin in plugins for entry in plugin.get("ssh", []))
    return {entry["name"]: entry["value"] for entry in entries}


def _members(listing: Mapping[str, Any], group: str) -> Iterator[str]:
    content = listing.get(group, {})
    yield from content.get("hosts", [])
    for child in content.get("children", []):
        yield from _members(listing, child)


def _filled(name: str, variables: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Ansible lists templates as they are written. A few levels of reference are followed, lookups are not."""
    environment = SandboxedEnvironment(undefined=StrictUndefined)
    known = {**variables, "inventory_hostname": name, "inventory_dir": folder}
    filled = dict(variables)
    for _ in range(3):
        for key, value in filled.items():
            if isinstance(value, str) and "{{" in value and key.startswith(("ansible_", "podlab_", "preflight_")):
                try:
                    filled[key] = environment.from_string(value).render({**known, **filled})
                except (TemplateError, TypeError):
                    # Only Ansible can fill this one (a lookup, a fact). Whoever needs it says that it is unfilled.
                    continue
    return filled


def _folder(source: str) -> str:
    path = Path(source).resolve()
    return str(path if path.is_dir() else path.parent)


def _ansible(program: str, *arguments: str) -> Any:
    """JSON from one of Ansible's programs, of this virtualenv if it has them."""
    beside = Path(sys.executable).with_name(program)
    command = [str(beside) if beside.exists() else program, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except FileNotFoundError as error:
        raise InventoryError(f"{program} is not installed; pip install ansible-core") from error
    except subprocess.TimeoutExpired as error:
        raise InventoryError(f"{' '.join(command)} gave no answer within {_TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        raise InventoryError(f"{' '.join(command)} failed: {error.stderr.strip()}") from error
    return json.loads(done.stdout)
