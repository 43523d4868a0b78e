"""Who calls, as authentication has found out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Certified:
    """When the certificate that was shown was made, in Unix time, and the nodes whose own it is."""

    nodes: tuple[str, ...]
    made_at: float


@dataclass(frozen=True, slots=True)
class User:
    """A caller, as authentication has found out. `extra` is what else it knows, by lower-case keys."""

    name: str
    groups: frozenset[str]
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    certified: Certified | None = field(default=None, compare=False)


AUTHENTICATED = "system:authenticated"
"""The group of everybody who has proved who they are."""
NODE = "system:node:"
"""How the names of kubelets begin."""
AGENTS = frozenset({"system:node-proxiers", "podlab:node-dns", "podlab:node-ingress"})
"""The groups of what runs on nodes beside kubelets: those who write Services' rules, and those who feed
DNS servers and servers of Ingresses."""
ANONYMOUS = User("system:anonymous", frozenset({"system:unauthenticated"}))

SERVER = User("system:apiserver", frozenset({AUTHENTICATED, "system:masters"}))
"""The API server itself, as which it writes what every cluster has."""
