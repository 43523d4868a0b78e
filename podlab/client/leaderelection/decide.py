"""Who may hold a Lease, and what its holder writes into it. Pure.

When a Lease has run out is told by how long it has looked the same to whoever looks at it, on that one's own steady
clock: what times stand in it does not matter, and so clocks may differ.

Shape and defaults follow https://kubernetes.io/docs/concepts/architecture/leases/#leader-election and the flags
--leader-elect-* of kube-scheduler.
"""

from __future__ import annotations

from dataclasses import dataclass

from podlab.coordination.v1.lease_pb2 import Lease
from podlab.meta.v1.meta_pb2 import MicroTime

NAMESPACE = "kube-system"
ADDRESS = "podlab.io/address"
"""The annotation that says where the holder is reached: host:port."""
VERSION = "podlab.io/version"
"""And which version of Podlab it runs, where it says so."""
BACKED_UP = "podlab.io/store-backed-up"
"""Of an API server's: when its host last backed the store up (RFC 3339), where it did."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A holder that has not renewed its Lease for `renew_deadline_s` stops, which is before another takes the Lease:
    that is `duration_s` after its last renewal. It renews every `retry_s`."""

    duration_s: int = 15
    renew_deadline_s: float = 10.0
    retry_s: float = 2.0

    @classmethod
    def lasting(cls, duration_s: int) -> Terms:
        """Kubernetes' proportions of a Lease that lasts so long. Raises ValueError for one of no time."""
        return cls(duration_s, duration_s * 2 / 3, duration_s * 2 / 15)

    def __post_init__(self) -> None:
        """Raises ValueError for terms under which two could work at once."""
        if not 0 < self.retry_s < self.renew_deadline_s < self.duration_s:
            raise ValueError(
                f"a Lease of {self.duration_s} s, renewed every {self.retry_s} s and given up after "
                f"{self.renew_deadline_s} s: each has to be longer than the next"
            )


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who wants a Lease. `identity` is its own alone. `predecessor` is who was here before, and is known to be dead."""

    identity: str
    predecessor: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Lease, none if there is none, and since when it has looked so, in seconds of a steady clock.

    One that was deleted binds for its `duration_s` all the same: its holder may not know of that yet.
    """

    lease: Lease | None
    since_s: float
    duration_s: float = 0.0


def sighted(before: Sighting | None, lease: Lease | None, now_s: float) -> Sighting:
    """What is seen now, after what was seen before."""
    if before is not None and _looks_the_same(before.lease, lease):
        return Sighting(lease, before.since_s, before.duration_s)
    bound = lease if lease is not None or before is None else before.lease
    held = bound is not None and bound.spec.holderIdentity
    return Sighting(lease, now_s, bound.spec.leaseDurationSeconds if bound is not None and held else 0.0)


def _looks_the_same(before: Lease | None, now: Lease | None) -> bool:
    if before is None or now is None:
        return before is now
    return before.spec == now.spec


def free_in_s(seen: Sighting, candidate: Candidate, now_s: float) -> float:
    """In how many seconds the candidate may take the Lease, unless it is renewed by then: 0 is now."""
    if seen.lease is not None and seen.lease.spec.holderIdentity in ("", candidate.identity, candidate.predecessor):
        return 0.0
    return max(0.0, seen.since_s + seen.duration_s - now_s)


def taken(found: Lease | None, name: str, candidate: Candidate, terms: Terms, now: MicroTime) -> Lease:
    """The Lease as the candidate writes it to become its holder; `found` is what it was."""
    lease = Lease()
    if found is None:
        lease.metadata.name, lease.metadata.namespace = name, NAMESPACE
        lease.spec.leaseTransitions = 0
    else:
        lease.CopyFrom(found)
        lease.spec.leaseTransitions = found.spec.leaseTransitions + (found.spec.holderIdentity != candidate.identity)
    if candidate.address:
        lease.metadata.annotations[ADDRESS] = candidate.address
    lease.spec.holderIdentity = candidate.identity
    lease.spec.leaseDurationSeconds = terms.duration_s
    lease.spec.acquireTime.CopyFrom(now)
    lease.spec.renewTime.CopyFrom(now)
    return lease


def renewed(held: Lease, now: MicroTime) -> Lease:
    """The Lease as its holder writes it to keep it."""
    lease = Lease()
    lease.CopyFrom(held)
    lease.spec.renewTime.CopyFrom(now)
    return lease


def released(held: Lease, now: MicroTime) -> Lease:
    """The Lease as its holder writes it to give it up: anybody may take it at once."""
    lease = renewed(held, now)
    lease.spec.holderIdentity = ""
    lease.spec.leaseDurationSeconds = 1
    return lease
