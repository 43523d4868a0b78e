"""The hosts of a running cluster as an inventory has them: groups by role, label and condition. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_ROLE: Final = "node-role.kubernetes.io/"


@dataclass(frozen=True)
class ClusterHost:
    """A Node, where it is reached, and the inventory's groups that it is in."""

    name: str
    variables: Mapping[str, object]
    groups: tuple[str, ...] = field(default=())


def hosts_of(nodes: Sequence[object]) -> list[ClusterHost]:
    """`nodes` are Node objects as JSON has them."""
    return [_host(_mapping(node)) for node in nodes]


def _host(node: Mapping[str, object]) -> ClusterHost:
    metadata, status = _mapping(node.get("metadata")), _mapping(node.get("status"))
    labels = {key: str(value) for key, value in _mapping(metadata.get("labels")).items()}
    conditions = {str(one["type"]): str(one["status"]) for one in _mappings(status.get("conditions"))}
    addresses = [str(one["address"]) for one in _mappings(status.get("addresses")) if one.get("type") == "InternalIP"]
    spec = _mapping(node.get("spec"))
    variables: dict[str, object] = {
        **({"ansible_host": addresses[0]} if addresses else {}),
        "podlab_node": {"labels": labels, "conditions": conditions, "unschedulable": bool(spec.get("unschedulable"))},
    }
    groups = ("nodes", *_groups(labels, conditions), *(["cordoned"] if spec.get("unschedulable") else []))
    return ClusterHost(str(metadata["name"]), variables, groups)


def _groups(labels: Mapping[str, str], conditions: Mapping[str, str]) -> Iterator[str]:
    yield "ready" if conditions.get("Ready") == "True" else "not_ready"
    for condition, state in sorted(conditions.items()):
        yield group_name(f"condition_{condition}_{state}")
    for label, value in sorted(labels.items()):
        if label.startswith(_ROLE):
            yield group_name(f"role_{label.removeprefix(_ROLE)}")
        else:
            yield group_name(f"label_{label}_{value}" if value else f"label_{label}")


def group_name(text: str) -> str:
    """As Ansible takes names of groups: letters, digits and underscores."""
    return re.sub(r"\W+", "_", text).strip("_").lower()


def _mapping(value: object) -> dict[str, object]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _mappings(value: object) -> list[dict[str, object]]:
    return [_mapping(each) for each in value] if isinstance(value, list) else []
