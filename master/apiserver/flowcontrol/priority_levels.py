"""Priority levels and flows, as in the defaults of Kubernetes' API Priority and Fairness. Pure.

Each level has its own seats, in the proportions of kube-apiserver's defaults. Within a level each user is a flow.
"""

from __future__ import annotations

from dataclasses import dataclass

from master.apiserver.request.info import RequestInfo

# As many as kube-apiserver: --max-requests-inflight and --max-mutating-requests-inflight together.
_SEATS = 600
_SHARES = {
    "system": 30,
    "node-high": 40,
    "leader-election": 10,
    "workload-high": 40,
    "workload-low": 100,
    "global-default": 20,
    "catch-all": 5,
}


@dataclass(frozen=True, slots=True)
class PriorityLevel:
    """How many requests run at once, and how many may wait: of one flow, and of all flows together."""

    name: str
    seats: int
    waiting_of_flow: int
    waiting: int


def _level(name: str, *, waits: bool = True) -> PriorityLevel:
    seats = -(-_SEATS * _SHARES[name] // sum(_SHARES.values()))
    return PriorityLevel(name, seats, 200 if waits else 0, 2000 if waits else 0)


SYSTEM = _level("system")
NODE_HIGH = _level("node-high")
LEADER_ELECTION = _level("leader-election")
WORKLOAD_HIGH = _level("workload-high")
WORKLOAD_LOW = _level("workload-low")
GLOBAL_DEFAULT = _level("global-default")
CATCH_ALL = _level("catch-all", waits=False)
LEVELS = (SYSTEM, NODE_HIGH, LEADER_ELECTION, WORKLOAD_HIGH, WORKLOAD_LOW, GLOBAL_DEFAULT, CATCH_ALL)

_PROBES = frozenset({"/healthz", "/livez", "/readyz"})
_COMPONENTS = frozenset({"system:kube-controller-manager", "system:kube-scheduler"})
_ELECTION_VERBS = frozenset({"get", "create", "update"})
_SERVICE_ACCOUNTS = "system:serviceaccounts"


def level(asked: RequestInfo) -> PriorityLevel | None:
    """The level of the request; None for a request that never waits."""
    user, groups = asked.user, asked.user.groups
    if "system:masters" in groups or asked.path in _PROBES:
        return None
    wanted = asked.wanted[0] if asked.about_objects else None
    if wanted is not None and wanted.resource == "leases" and _elects(asked):
        return LEADER_ELECTION
    if "system:nodes" in groups:
        vital = wanted is not None and wanted.resource in ("nodes", "leases")
        return NODE_HIGH if vital else SYSTEM
    if user.name in _COMPONENTS or f"{_SERVICE_ACCOUNTS}:kube-system" in groups:
        return WORKLOAD_HIGH
    if _SERVICE_ACCOUNTS in groups:
        return WORKLOAD_LOW
    return GLOBAL_DEFAULT if groups & {"system:authenticated", "system:unauthenticated"} else CATCH_ALL


def _elects(asked: RequestInfo) -> bool:
    known = asked.user.name in _COMPONENTS or _SERVICE_ACCOUNTS in asked.user.groups
    return known and asked.wanted[0].namespace == "kube-system" and asked.verb in _ELECTION_VERBS
