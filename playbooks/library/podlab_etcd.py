#!/usr/bin/python3
"""Ansible module: sees that a host is a member of the cluster's etcd before its etcd starts.

Where no host has data, all begin a new cluster together. Where one has lost its data, or is new, it joins those that
are there: under a new identity, for a member that has forgotten what it voted for must not vote again.
https://etcd.io/docs/v3.4/op-guide/runtime-configuration/
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_etcd
short_description: Sees that a host is a member of the cluster's etcd
description:
  - A host without data gets a file that says with which members its etcd begins. Where others are there it is made a
    member first, in place of the one that it was; then it is started, and awaited, so that the next one may join.
  - Dead members whose address no host of the inventory has are removed when another joins.
options:
  name: {description: The host's name., type: str, required: true}
  members: {description: Host name to address of all members that are to be., type: dict, required: true}
  empty: {description: Those of them that certainly have no data., type: list, elements: str, required: true}
  data: {description: Where the data are., type: path, required: true}
  initial: {description: The file that etcd reads when it begins., type: path, required: true}
  unit: {description: The service., type: str, default: podlab-etcd}
  client_port: {description: Where members answer., type: int, default: 2379}
  peer_port: {description: Where they answer each other., type: int, default: 2380}
  pki: {description: "Where etcd-ca.crt, etcd.crt and etcd.key are.", type: path, default: /etc/podlab/pki}
author: [Podlab]
"""

OPTIONS = {
    "name": {"type": "str", "required": True},
    "members": {"type": "dict", "required": True},
    "empty": {"type": "list", "elements": "str", "required": True},
    "data": {"type": "path", "required": True},
    "initial": {"type": "path", "required": True},
    "unit": {"type": "str", "default": "podlab-etcd"},
    "client_port": {"type": "int", "default": 2379},
    "peer_port": {"type": "int", "default": 2380},
    "pki": {"type": "path", "default": "/etc/podlab/pki"},
}
ASK_S = 3.0
CHANGE_S = 15.0
# Members are changed only where all others have heard of each other for 5 s.
UNHEALTHY, HEALTHY_WITHIN_S, PAUSE_S = "unhealthy cluster", 60.0, 1.0
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
STARTED_WITHIN_S = 120 * PATIENCE
JOURNAL_LINES = 15


class EtcdError(Exception):
    """The host cannot be a member; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """As etcd lists it; one that has been added and has not started yet has no name."""

    id: str
    name: str
    peers: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What etcd is to consist of: host name to address, and whose turn it is."""

    name: str
    members: dict[str, str]
    client_port: int
    peer_port: int

    @property
    def others(self) -> list[str]:
        return [name for name in self.members if name != self.name]

    def peer(self, name: str) -> str:
        return f"https://{self.members[name]}:{self.peer_port}"


def is_member(wanted: Wanted, listed: list[Member]) -> bool:
    return any(wanted.peer(wanted.name) in each.peers for each in listed)


def check_founding(wanted: Wanted, empty: list[str], failures: dict[str, str]) -> None:
    """A new cluster is founded only where no host can have data of an old one. Raises EtcdError."""
    unsure = [name for name in wanted.others if name not in empty]
    if unsure:
        told = "; ".join(f"{name}: {failures.get(name, 'it was not asked')}" for name in unsure)
        raise EtcdError(
            f"{wanted.name} has no data of etcd, and of those that may have some none answers ({told}). Start "
            f"podlab-etcd there, and deploy again; where their data are lost, too, restore a backup"
        )


def replaced(wanted: Wanted, listed: list[Member], dead: list[str]) -> list[Member]:
    """Whom the host takes the place of: what it was before, and dead ones (by id) that no host of the inventory is."""
    known = {wanted.peer(name) for name in wanted.members}
    own = wanted.peer(wanted.name)
    return [
        each
        for each in listed
        if own in each.peers or each.name == wanted.name or (each.id in dead and not known & set(each.peers))
    ]


def initial_file(cluster: dict[str, str], state: str) -> str:
    """What etcd begins with: name to address for peers."""
    members = ",".join(f"{name}={peer}" for name, peer in cluster.items())
    return f"ETCD_INITIAL_CLUSTER={members}\nETCD_INITIAL_CLUSTER_STATE={state}\n"


def joined_cluster(wanted: Wanted, listed: list[Member]) -> dict[str, str]:
    """Name to address for peers of all members, as the joining one has to tell them; `listed` has it already."""
    names = {wanted.peer(name): name for name in wanted.members}
    found = {}
    for each in listed:
        for peer in each.peers:
            found[names.get(peer, each.name or f"member-{each.id}")] = peer
    return found


class Etcd:
    """etcd's own JSON API at the members, spoken to with this host's certificate."""

    def __init__(self, pki: Path, port: int) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(pki / "etcd-ca.crt"))
        self._tls.load_cert_chain(pki / "etcd.crt", pki / "etcd.key")

    def ask(self, address: str, what: str, asked: dict[str, object], within_s: float = ASK_S) -> dict[str, object]:
        """Raises OSError, HTTPException, ValueError, and EtcdError with what etcd says."""
        connection = http.client.HTTPSConnection(address, self._port, timeout=within_s, context=self._tls)
        try:
            connection.request("POST", f"/v3/{what}", json.dumps(asked), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content: dict[str, object] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise EtcdError(f"etcd at {address} refuses {what}: {content.get('error') or content.get('message')}")
        return content

    def change(self, address: str, what: str, asked: dict[str, object]) -> dict[str, object]:
        """As `ask`, again and again as long as a member is on its way up."""
        until = time.monotonic() + HEALTHY_WITHIN_S
        while True:
            try:
                return self.ask(address, f"cluster/member/{what}", asked, CHANGE_S)
            except EtcdError as error:
                if UNHEALTHY not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(PAUSE_S)

    def members(self, address: str) -> list[Member]:
        """All members, as one that sees the others lists them. Raises as `ask`."""
        self.ask(address, "kv/range", {"key": "AA=="})  # a linearizable read: it is not cut off
        return listed_in(self.ask(address, "cluster/member/list", {}))

    def dead(self, listed: list[Member]) -> list[str]:
        """The ids of those that cannot be connected to at their peers' addresses."""
        return [each.id for each in listed if not any(connects(self, peer) for peer in each.peers)]


def connects(etcd: Etcd, peer: str) -> bool:
    address = peer.partition("://")[2].rpartition(":")[0]
    try:
        etcd.ask(address, "cluster/member/list", {})
    except EtcdError:
        return True
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return True


def listed_in(answer: dict[str, object]) -> list[Member]:
    found = answer.get("members") or []
    assert isinstance(found, list)
    return [Member(str(each["ID"]), str(each.get("name", "")), tuple(each.get("peerURLs", ()))) for each in found]


def find(etcd: Etcd, wanted: Wanted) -> tuple[str, list[Member], dict[str, str]]:
    """The address of another member that works, and what it lists; or why each does not, by host name."""
    failures = {}
    for name in wanted.others:
        address = wanted.members[name]
        try:
            return address, etcd.members(address), {}
        except (EtcdError, OSError, http.client.HTTPException, ValueError) as error:
            failures[name] = str(error) or type(error).__name__
    return "", [], failures


def join(etcd: Etcd, wanted: Wanted, address: str, listed: list[Member]) -> dict[str, str]:
    """Make the host a new member; name to address for peers of all. Raises EtcdError."""
    try:
        for each in replaced(wanted, listed, etcd.dead(listed)):
            etcd.change(address, "remove", {"ID": each.id})
        added = etcd.change(address, "add", {"peerURLs": [wanted.peer(wanted.name)]})
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EtcdError(f"etcd at {address} does not take {wanted.name} in: {error}") from error
    return joined_cluster(wanted, listed_in(added))


def start(unit: str) -> None:
    """Raises EtcdError with the end of its journal."""
    try:
        for command in (["daemon-reload"], ["enable", "--quiet", unit], ["restart", unit]):
            subprocess.run(
                ["systemctl", *command], check=True, capture_output=True, text=True, timeout=STARTED_WITHIN_S
            )
    except subprocess.SubprocessError as error:
        told = subprocess.run(
            ["journalctl", f"--unit={unit}", f"--lines={JOURNAL_LINES}", "--no-pager", "--output=cat"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        raise EtcdError(f"{unit} does not start: {error}\nThe end of its journal:\n{told}") from error


def ensure(etcd: Etcd, wanted: Wanted, empty: list[str], data: Path, initial: Path, unit: str) -> bool:
    """Whether anything was changed. Raises EtcdError, OSError."""
    address, listed, failures = find(etcd, wanted)
    if (data / "member").exists():
        if address and not is_member(wanted, listed):
            raise EtcdError(
                f"{wanted.name} was removed from etcd, and has data of that time: remove {data}/member there, and "
                "deploy again; it joins as a new member"
            )
        return False
    if address:
        write(initial, initial_file(join(etcd, wanted, address, listed), "existing"))
        start(unit)
        return True
    check_founding(wanted, empty, failures)
    content = initial_file({name: wanted.peer(name) for name in wanted.members}, "new")
    if initial.exists() and initial.read_text() == content:
        return False
    write(initial, content)
    return True


def write(path: Path, content: str) -> None:
    """For nobody but root: systemd reads it."""
    path.touch(mode=0o600)
    path.write_text(content)


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    given = module.params
    data = Path(given["data"])
    if module.check_mode:  # a bare host has no certificates yet to ask the others with
        module.exit_json(changed=not (data / "member").exists())
    wanted = Wanted(given["name"], given["members"], given["client_port"], given["peer_port"])
    try:
        etcd = Etcd(Path(given["pki"]), given["client_port"])
        changed = ensure(etcd, wanted, given["empty"], data, Path(given["initial"]), given["unit"])
    except (EtcdError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
