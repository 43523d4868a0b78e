"""Priority levels: how many requests of each run at once, and how many wait. Pure.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import LimitResponse, PriorityLevelConfiguration

# As many as kube-apiserver: --max-requests-inflight and --max-mutating-requests-inflight together.
SEATS = 600
# What is not said in a configuration, as Kubernetes' defaults have it.
_SHARES = 30
_QUEUES, _HAND, _LENGTH = 64, 8, 50


@dataclass(frozen=True, slots=True)
class PriorityLevel:
    """How many requests run at once, and how many may wait: of one flow, and of all flows together."""

    name: str
    seats: int
    waiting_of_flow: int
    waiting: int
    exempt: bool = False
    """Whether its requests never wait."""
    uid: str = ""


def configured(configurations: Iterable[PriorityLevelConfiguration], total: int = SEATS) -> dict[str, PriorityLevel]:
    """The levels by name: `total` seats are divided in proportion to their nominal shares."""
    found = list(configurations)
    sum_of_shares = sum(map(_shares, found)) or 1
    return {one.metadata.name: _level(one, total, sum_of_shares) for one in found}


def _is_exempt(configuration: PriorityLevelConfiguration) -> bool:
    return configuration.spec.type == "Exempt"


def _shares(configuration: PriorityLevelConfiguration) -> int:
    spec = configuration.spec
    if _is_exempt(configuration):
        return spec.exempt.nominalConcurrencyShares
    limited = spec.limited
    return limited.nominalConcurrencyShares if limited.HasField("nominalConcurrencyShares") else _SHARES


def _level(configuration: PriorityLevelConfiguration, total: int, sum_of_shares: int) -> PriorityLevel:
    limited, exempt = configuration.spec.limited, _is_exempt(configuration)
    seats = math.ceil(total * _shares(configuration) / sum_of_shares)
    waiting_of_flow, waiting = (0, 0) if exempt else _waiting(limited.limitResponse)
    return PriorityLevel(
        configuration.metadata.name,
        seats,
        waiting_of_flow,
        waiting,
        exempt=exempt,
        uid=configuration.metadata.uid,
    )


def _waiting(response: LimitResponse) -> tuple[int, int]:
    """How many requests of a flow may wait, and of all. A flow's hand of queues is a queue of its own here."""
    if response.type != "Queue":
        return 0, 0
    queuing = response.queuing
    length = queuing.queueLengthLimit or _LENGTH
    return (queuing.handSize or _HAND) * length, (queuing.queues or _QUEUES) * length
