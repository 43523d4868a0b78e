"""The hosts of a run, out of the variables that Ansible gives to an action, with templates and vaults filled in."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from podlab.deploy.preflight.hosts.facts import Host

GROUPS: Final = ("masters", "nodes")
INGRESS: Final = "ingress"
"""The group of those nodes that serve Ingresses; it may be missing."""
KEEPALIVED: Final = "keepalived"
"""No group of an inventory: the masters, where an address moves between them."""
REGISTRY: Final = "registry"
"""No group of an inventory: the master that serves the cluster's own images, if one does."""
FLOATING_ADDRESS: Final = "podlab_floating_address"
ETCD: Final = "etcd"
"""The group of the hosts that etcd runs on; where it is missing, those are the masters if there are several."""
_OURS: Final = ("podlab_", "preflight_")
_ADDRESSES: Final = ("ansible_host", "ansible_ssh_host")
# What tasks of preflight's leave for later ones.
_FOUND: Final = ("preflight_seen", "preflight_port_trials", "preflight_firewall")


def hosts_of(variables: Mapping[str, Any], *, everywhere: bool = False, more: Collection[str] = ()) -> tuple[Host, ...]:
    """Those of the groups `masters`, `nodes` and `etcd` that take part in the run, or all; in the inventory's order.

    Of their variables they have the cluster's and preflight's own, and those that are named.
    """
    groups: Mapping[str, Any] = variables["groups"]
    members = {group: [str(name) for name in groups.get(group, [])] for group in (*GROUPS, INGRESS, ETCD)}
    members[KEEPALIVED] = [name for name in members["masters"] if variables["hostvars"][name].get(FLOATING_ADDRESS)]
    members[REGISTRY] = [name for name in members["masters"][:1] if _is_true(variables["hostvars"][name])]
    members[ETCD] = etcd_members(members, existing=_has_etcd(variables["hostvars"], members["masters"]))
    taking_part = set(map(str, variables["ansible_play_hosts_all"]))
    names = dict.fromkeys(name for group in (*GROUPS, ETCD) for name in members[group])
    return tuple(
        Host(
            name=name,
            groups=frozenset(group for group, found in members.items() if name in found),
            variables=_variables(variables["hostvars"][name], more),
        )
        for name in names
        if everywhere or name in taking_part
    )


def _is_true(own: Mapping[str, object]) -> bool:
    """A truth that is given as text, as on a command line, is one too."""
    return str(own.get("podlab_registry", False)).lower() in ("true", "yes", "on", "1")


def etcd_members(groups: Mapping[str, Sequence[str]], *, existing: bool) -> list[str]:
    """The hosts that etcd runs on, by the inventory's groups; none where an `existing` etcd is used."""
    if existing:
        return []
    masters = groups.get("masters", ())
    return list(groups.get(ETCD, ()) or (masters if len(masters) > 1 else ()))


def _has_etcd(hostvars: Mapping[str, Mapping[str, object]], masters: Sequence[str]) -> bool:
    return any(hostvars[name].get("podlab_etcd_endpoints") for name in masters)


def _variables(own: Mapping[str, Any], more: Collection[str]) -> dict[str, Any]:
    """As plain values: Ansible's remember where they come from."""
    wanted = [name for name in own if name in (*_ADDRESSES, *more) or name.startswith(_OURS)]
    return {str(name): json.loads(json.dumps(own[name])) for name in wanted if name not in _FOUND}
