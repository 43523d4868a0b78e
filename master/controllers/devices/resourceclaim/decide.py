"""What becomes of a ResourceClaim, and how one is made for a pod. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from master.controllers.objects.ownership import reference_to
from podlab.api.objects import controller_of
from podlab.api.pods import resourceclaims
from podlab.api.pods.podphase import is_terminal
from podlab.api.pods.resourceclaims import FINALIZER, POD_CLAIM_ANNOTATION
from podlab.core.v1 import pod_pb2
from podlab.resource.v1.resourceclaim_pb2 import (
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimTemplate,
)

# With a hyphen and five random characters a name is a label still, of 63.
_MOST_BASE_CHARS = 57

Uses = Callable[[ResourceClaimConsumerReference], bool]
"""Whether a consumer may still use what it has reserved."""


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """What is to be written of a claim, in this order."""

    status: ResourceClaim | None
    """With the status that it is to have; None where it has it."""
    release: bool
    """Whether the finalizer is to go, because the claim has no devices any more."""
    delete: bool
    """Whether nobody will need it any more."""


def is_done(pod: pod_pb2.Pod) -> bool:
    """Whether it is certain that none of its containers runs, nor ever will."""
    return is_terminal(pod) or (pod.metadata.HasField("deletionTimestamp") and not pod.spec.nodeName)


def plan(claim: ResourceClaim, uses: Uses, owner: pod_pb2.Pod | None) -> ClaimPlan:
    """`owner` is the pod of its owner's name, None where there is none.

    A claim is given back when the last consumer leaves it, so that it can be allocated anew, where the next one goes.
    One that was allocated and never reserved is not: whoever did that has not come to reserving it yet.
    """
    kept = [one for one in claim.status.reservedFor if not resourceclaims.is_pod(one) or uses(one)]
    left, protected = len(kept) < len(claim.status.reservedFor), FINALIZER in claim.metadata.finalizers
    gives_back = protected and not kept and (left or claim.metadata.HasField("deletionTimestamp"))
    status = None
    if left or (gives_back and claim.status.HasField("allocation")):
        status = ResourceClaim()
        status.CopyFrom(claim)
        del status.status.reservedFor[:]
        status.status.reservedFor.extend(kept)
        if gives_back:
            status.status.ClearField("allocation")
    return ClaimPlan(status, gives_back, delete=not kept and _is_useless(claim, owner))


def released(claim: ResourceClaim) -> ResourceClaim:
    """A copy that may go."""
    copy = ResourceClaim()
    copy.CopyFrom(claim)
    copy.metadata.finalizers[:] = [name for name in claim.metadata.finalizers if name != FINALIZER]
    return copy


def owning_pod(claim: ResourceClaim) -> str:
    """The name of the pod that the claim was made for; empty when it was made for none."""
    owner = controller_of(claim.metadata)
    return owner.name if owner is not None and (owner.apiVersion, owner.kind) == ("v1", "Pod") else ""


def claim_for(pod: pod_pb2.Pod, name: str, template: ResourceClaimTemplate) -> ResourceClaim:
    """The claim that the pod calls `name`, as the template says, owned by the pod."""
    made = ResourceClaim(spec=template.spec.spec)
    made.metadata.namespace, made.metadata.generateName = pod.metadata.namespace, _base(pod.metadata.name, name)
    made.metadata.labels.update(template.spec.metadata.labels)
    made.metadata.annotations.update(template.spec.metadata.annotations)
    made.metadata.annotations[POD_CLAIM_ANNOTATION] = name
    made.metadata.ownerReferences.append(reference_to(pod))
    return made


def is_for(claim: ResourceClaim, pod: pod_pb2.Pod, name: str) -> bool:
    """Whether the claim was made for what the pod calls `name`."""
    return (
        claim.metadata.annotations.get(POD_CLAIM_ANNOTATION) == name
        and not resourceclaims.why_foreign(pod, claim)
        and not claim.metadata.HasField("deletionTimestamp")
    )


def to_reserve(pod: pod_pb2.Pod, claim: ResourceClaim) -> ResourceClaim | None:
    """The claim with the pod among its consumers; None when it is, or cannot be now.

    The scheduler reserves claims of pods that it places; this is for those that came to their node in another way.
    """
    if not claim.status.HasField("allocation") or not resourceclaims.can_be_reserved(claim):
        return None
    if resourceclaims.is_reserved_for(pod, claim) or claim.metadata.HasField("deletionTimestamp"):
        return None
    copy = ResourceClaim()
    copy.CopyFrom(claim)
    copy.status.reservedFor.append(resourceclaims.reference_to(pod))
    return copy


def _is_useless(claim: ResourceClaim, owner: pod_pb2.Pod | None) -> bool:
    """A claim goes with its pod; one of a pod that has ended and stays goes before. Where no pod is known, the garbage
    collector finds out whether there is one."""
    if owner is None or not owning_pod(claim) or claim.metadata.HasField("deletionTimestamp"):
        return False
    return bool(resourceclaims.why_foreign(owner, claim)) or is_done(owner)


def _base(pod: str, claim: str) -> str:
    """What the claim's name begins with. When both names are too long together, each is cut in proportion."""
    base = f"{pod}-{claim}-"
    if len(base) <= _MOST_BASE_CHARS:
        return base
    share = _MOST_BASE_CHARS / len(base)
    return f"{pod[: int(len(pod) * share)]}-{claim[: int(len(claim) * share)]}"
