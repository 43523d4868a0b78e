"""What is wrong with an inventory itself, before any host is asked: groups, names, addresses and variables. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from podlab.api.values.names import rfc1123_subdomain
from podlab.deploy.preflight.checks.cluster import WHOLE_INVENTORY
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Host
from podlab.deploy.preflight.hosts.hostvars import ETCD, GROUPS, INGRESS

ROLES: Final[Mapping[str, Sequence[str]]] = {
    "masters": (
        "podlab",
        "preflight",
        "master",
        "backup",
        "keepalived",
        "registry",
        "restore",
        "support",
        "doctor",
        "bundle",
    ),
    "nodes": ("podlab", "preflight", "runtime", "network", "dns", "node", "leave", "support", "doctor"),
    "ingress": (),
    "keepalived": (),
    "registry": (),
    "etcd": ("podlab", "preflight", "etcd"),
}
"""Which roles' variables matter on which hosts."""

_MORE_THAN_TEXT: Final = {"list": ("a list", '["a", "b"]'), "dict": ("a dictionary", '{"a": "b"}')}
Option = Mapping[str, object]
"""What argument_specs.yml says of one variable."""

_OURS: Final = "podlab_"
_NEAR: Final = 0.85
# The value of the label kubernetes.io/hostname.
_NAME_CHARS: Final = 63
# What Kubernetes' NodeRestriction refuses from a kubelet: kubernetes.io and k8s.io, but for these.
_RESERVED: Final = re.compile(r"([^/]+\.)?(kubernetes|k8s)\.io/")
_OWN: Final = re.compile(
    r"(([^/]+\.)?(kubelet|node)\.kubernetes\.io/.*|topology\.kubernetes\.io/(region|zone)"
    r"|(beta\.)?kubernetes\.io/(hostname|arch|os)|node\.kubernetes\.io/instance-type)$"
)


def check_groups(groups: Mapping[str, Sequence[str]], missing_sources: Iterable[str]) -> Iterator[Finding]:
    """`groups` holds all of the inventory's; `missing_sources` are those of its files that do not exist."""
    missing = list(missing_sources)
    if missing and not any(groups.get(group) for group in GROUPS):
        cause = f"there is no inventory {', '.join(missing)}"
        yield error(WHOLE_INVENTORY, "inventory", cause, "name yours with -i; `podlab lab list` shows the labs here")
        return
    filled = {name.lower(): name for name, hosts in groups.items() if hosts and name not in (*GROUPS, ETCD, "all")}
    for group in GROUPS:
        if groups.get(group):
            continue
        near = get_close_matches(group, [name for name in filled if name != "ungrouped"], 1, 0.6)
        remedy = f"rename the group {filled[near[0]]} to {group}" if near else f"put hosts into the group {group}"
        yield error(WHOLE_INVENTORY, "groups", f"the group {group} has no host", remedy)
    strangers = [name for name in groups.get(INGRESS, ()) if name not in groups.get("nodes", ())]
    if strangers:
        cause = f"the group {INGRESS} has {', '.join(strangers)}, which the group nodes has not"
        yield error(WHOLE_INVENTORY, "groups", cause, "put them into nodes, too: a node's network leads to pods")


def check_hosts(hosts: Sequence[Host]) -> Iterator[Finding]:
    for host in hosts:
        yield from _name(host)
        try:
            IPv4Address(host.cluster_address)
        except AddressValueError:
            yield error(
                host.name,
                "address",
                f"podlab_address is {host.cluster_address}, not an IPv4 address",
                "set podlab_address to the one at which the other hosts reach it",
            )
        if "nodes" in host.groups:
            yield from _labels(host)


def _name(host: Host) -> Iterator[Finding]:
    """A host's name is its Node's, and Kubernetes' names are DNS names of lower case."""
    fit = re.sub(r"[^a-z0-9.-]+", "-", host.name.lower()).strip("-.")[:_NAME_CHARS].strip("-.")
    if rfc1123_subdomain(host.name) or len(host.name) > _NAME_CHARS:
        yield error(
            host.name,
            "name",
            "the name of a node may consist of at most 63 lower case letters, digits, '-' and '.', and must begin and "
            "end with a letter or digit: the API server would refuse to register it",
            f"name it {fit or 'n1'} in the inventory; ansible_host says where it is",
        )
    elif host.name == "localhost":
        cause = "every host calls itself localhost: the others could not reach it by that name"
        yield error(host.name, "name", cause, "give it another name in the inventory, with ansible_connection: local")


def _labels(host: Host) -> Iterator[Finding]:
    """A kubelet may not give its own node labels that steer workloads: its registration would be refused."""
    labels = host.variables.get("node_labels")
    wrong = [key for key in labels if _RESERVED.match(key) and not _OWN.match(key)] if isinstance(labels, dict) else []
    if wrong:
        yield error(
            host.name,
            "variable",
            f"node_labels: {', '.join(wrong)}: reserved for administrators",
            "use a prefix of your own, or set it with a client once the node is there",
        )


def check_names(variables: Mapping[str, Collection[str]], known: Collection[str]) -> Iterator[Finding]:
    """Variables that nobody reads, by host: those that begin with `podlab_`, and those that look like one of ours."""
    holders: dict[str, list[str]] = {}
    for host, names in variables.items():
        for name in names:
            if name not in known and not name.startswith("ansible_"):
                holders.setdefault(name, []).append(host)
    for name, hosts in holders.items():
        near = get_close_matches(name, known, 1, _NEAR)
        if near or name.startswith(_OURS):
            remedy = f"you may mean {near[0]}" if near else "docs/variables.md lists all"
            for host in hosts:
                yield error(host, "variable", f"{name} is no variable of Podlab's", remedy)


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """What is the same for several hosts is told once, with all their names."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        same = (finding.check, finding.cause, finding.remedy)
        hosts.setdefault(same, []).append(finding.host)
        first.setdefault(same, finding)
    return [replace(finding, host=", ".join(hosts[same])) for same, finding in first.items()]


def wrong_values(host: str, messages: Iterable[str]) -> Iterator[Finding]:
    """`messages` are Ansible's on the types of a host's variables."""
    for message in messages:
        yield error(host, "variable", message, "correct it in the inventory; docs/variables.md has the types")


def texts_for_more(values: Mapping[str, object], options: Mapping[str, Option]) -> dict[str, str]:
    """Lists and dictionaries that are given as text, as `-e NAME=VALUE` gives all, and INI inventories most."""
    return {
        name: str(value)
        for name, value in values.items()
        if isinstance(value, str) and str(options[name]["type"]) in _MORE_THAN_TEXT
    }


def wrong_texts(host: str, texts: Mapping[str, str], options: Mapping[str, Option]) -> Iterator[Finding]:
    for name, value in texts.items():
        kind, example = _MORE_THAN_TEXT[str(options[name]["type"])]
        remedy = f"write it as YAML, in group_vars or with -e '{{\"{name}\": {example}}}'; in INI: {name}={example}"
        yield error(host, "variable", f"{name} is {value!r}, not {kind}", remedy)


def values_of(variables: Mapping[str, object], options: Iterable[str]) -> dict[str, object]:
    """Those of a host's variables that a role's options describe."""
    return {name: variables[name] for name in options if name in variables}
