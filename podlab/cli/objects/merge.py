"""The three-way merge of `apply`: what the user wrote, what was written last, and what the server holds now.

What the user wrote wins; what was written last and is no longer there goes; all else, such as defaults and what
controllers set, stays. Lists whose items have an identity are merged item by item, others are replaced.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Any
Path = tuple[str, ...]
Identity = Callable[[Json], Json]


def _field(name: str) -> Identity:
    return lambda item: item.get(name)


def _port(name: str) -> Identity:
    return lambda item: (item.get(name), item.get("protocol") or "TCP")


# By the last names of the path, list indices left out: what tells two items of the list apart.
_IDENTITIES: tuple[tuple[Path, Identity], ...] = (
    (("spec", "containers"), _field("name")),
    (("spec", "initContainers"), _field("name")),
    (("spec", "volumes"), _field("name")),
    (("spec", "hostAliases"), _field("ip")),
    (("metadata", "ownerReferences"), _field("uid")),
    (("metadata", "finalizers"), lambda item: item),
    *(
        ((containers, name), identity)
        for containers in ("containers", "initContainers")
        for name, identity in (
            ("env", _field("name")),
            ("ports", _port("containerPort")),
            ("volumeMounts", _field("mountPath")),
        )
    ),
    (("spec", "ports"), _port("port")),
)
# Objects that hold one of several alternatives: naming one drops the others, also those that the server set.
_ALTERNATIVES: tuple[Path, ...] = (("spec", "strategy"), ("spec", "volumes"))


def three_way(last: Json, wanted: Json, live: Json) -> dict[str, Json]:
    """The object to store. `wanted` may hold nulls, which remove what is live."""
    return _merge_objects(last, wanted, live, ())


def _merge(last: Json, wanted: Json, live: Json, path: Path) -> Json:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return _merge_objects(last if isinstance(last, dict) else {}, wanted, live, path)
    identity = _identity(path)
    if identity and isinstance(wanted, list) and isinstance(live, list):
        return _merge_lists(last if isinstance(last, list) else [], wanted, live, path, identity)
    return wanted


def _merge_objects(
    last: Mapping[str, Json], wanted: Mapping[str, Json], live: Mapping[str, Json], path: Path
) -> dict[str, Json]:
    exclusive = any(path[-len(end) :] == end for end in _ALTERNATIVES)
    merged = {name: value for name, value in live.items() if name in wanted or (name not in last and not exclusive)}
    for name, value in wanted.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(last.get(name), value, live.get(name), (*path, name))
    return merged


def _merge_lists(
    last: Sequence[Json], wanted: Sequence[Json], live: Sequence[Json], path: Path, identity: Identity
) -> list[Json]:
    """The wanted items in their order, then those that others added."""
    before = {identity(item): item for item in last}
    present = {identity(item): item for item in live}
    named = {identity(item) for item in wanted}
    merged = [_merge(before.get(identity(item)), item, present.get(identity(item)), path) for item in wanted]
    return merged + [item for item in live if identity(item) not in named and identity(item) not in before]


def _identity(path: Path) -> Identity | None:
    return next((identity for end, identity in _IDENTITIES if path[-len(end) :] == end), None)
