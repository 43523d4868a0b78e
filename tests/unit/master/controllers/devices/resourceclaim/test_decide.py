"""What becomes of a ResourceClaim, and how one is made for a pod."""

from __future__ import annotations

import pytest

from master.controllers.devices.resourceclaim import decide
from podlab.api.pods.resourceclaims import FINALIZER
from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimTemplate


def pod(name: str = "web", uid: str = "u-web", *, phase: str = "Running", node: str = "n1", going: bool = False) -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.uid, made.metadata.namespace = name, uid, "team"
    made.spec.nodeName, made.status.phase = node, phase
    if going:
        made.metadata.deletionTimestamp.seconds = 1
    return made


def claim(
    *consumers: str, allocated: bool = True, going: bool = False, of: Pod | None = None, protected: bool = True
) -> ResourceClaim:
    made = ResourceClaim()
    made.metadata.name, made.metadata.namespace = "web-gpu-x7", "team"
    for uid in consumers:
        made.status.reservedFor.add(resource="pods", name=uid.removeprefix("u-"), uid=uid)
    if allocated:
        made.status.allocation.devices.results.add(request="gpu", driver="d", pool="p", device="gpu-0")
    if protected:
        made.metadata.finalizers.append(FINALIZER)
    if going:
        made.metadata.deletionTimestamp.seconds = 1
    if of is not None:
        made.metadata.ownerReferences.add(
            apiVersion="v1", kind="Pod", name=of.metadata.name, uid=of.metadata.uid, controller=True
        )
    return made


# What it is, who still uses it, its owner; then who is left (None: nothing to write), whether it keeps what it was
# given, whether it is released, whether it is deleted.
Case = tuple[str, ResourceClaim, set[str], Pod | None, list[str] | None, bool, bool, bool]
CASES: list[Case] = [
    ("a claim in use", claim("u-a"), {"u-a"}, None, None, True, False, False),
    ("one of two has left", claim("u-a", "u-b"), {"u-a"}, None, ["u-a"], True, False, False),
    ("the last has left", claim("u-a"), set(), None, [], False, True, False),
    ("allocated, not reserved yet", claim(), set(), None, None, True, False, False),
    ("deleted in use", claim("u-a", going=True), {"u-a"}, None, None, True, False, False),
    ("deleted and unused", claim(going=True), set(), None, [], False, True, False),
    ("deleted and never allocated", claim(allocated=False, going=True), set(), None, None, False, True, False),
    ("allocated by another's hand", claim("u-a", protected=False), set(), None, [], True, False, False),
    ("of a pod that runs", claim("u-web", of=pod()), {"u-web"}, pod(), None, True, False, False),
    ("of a pod that waits", claim(of=pod(), allocated=False), set(), pod(node=""), None, False, False, False),
    ("of a pod that has ended", claim("u-web", of=pod()), set(), pod(phase="Succeeded"), [], False, True, True),
    ("of a pod that was deleted unbound", claim(of=pod()), set(), pod(node="", going=True), None, True, False, True),
    ("of a pod that is replaced", claim(of=pod(uid="u-old")), set(), pod(), None, True, False, True),
    ("of a pod that is not known", claim(of=pod()), set(), None, None, True, False, False),
    ("of a pod that has ended, going", claim(of=pod(), going=True), set(), pod(phase="Failed"), [], False, True, False),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_claim_is_given_back_when_its_last_consumer_leaves(case: Case) -> None:
    _, given, users, owner, left, allocated, release, delete = case
    found = decide.plan(given, lambda one: one.uid in users, owner)
    assert (None if found.status is None else [one.uid for one in found.status.status.reservedFor]) == left
    assert (found.status or given).status.HasField("allocation") is allocated
    assert (found.release, found.delete) == (release, delete)


def test_consumers_that_are_no_pods_are_left_alone() -> None:
    given = claim("u-a")
    given.status.reservedFor.add(apiGroup="example.com", resource="jobs", name="a", uid="u-job")
    found = decide.plan(given, lambda _: False, None)
    assert found.status is not None
    assert [one.uid for one in found.status.status.reservedFor] == ["u-job"]
    assert found.status.status.HasField("allocation")
    assert not found.release


def test_a_claim_is_made_as_its_template_says_and_owned_by_its_pod() -> None:
    template = ResourceClaimTemplate()
    template.spec.metadata.labels["a"], template.spec.metadata.annotations["b"] = "1", "2"
    template.spec.spec.devices.requests.add(name="gpu").exactly.deviceClassName = "gpus"
    made = decide.claim_for(pod(), "gpu", template)
    assert (made.metadata.generateName, made.metadata.namespace, made.spec) == ("web-gpu-", "team", template.spec.spec)
    assert dict(made.metadata.labels) == {"a": "1"}
    assert dict(made.metadata.annotations) == {"b": "2", "resource.kubernetes.io/pod-claim-name": "gpu"}
    (owner,) = made.metadata.ownerReferences
    assert (owner.kind, owner.name, owner.uid, owner.controller, owner.blockOwnerDeletion) == (
        "Pod", "web", "u-web", True, True,
    )  # fmt: skip
    assert decide.is_for(made, pod(), "gpu")
    assert not decide.is_for(made, pod(), "other")
    assert not decide.is_for(made, pod(uid="u-new"), "gpu")


@pytest.mark.parametrize(("of_pod", "of_claim"), [(60, 3), (3, 60), (63, 63), (30, 30)])
def test_long_names_are_cut_in_proportion(of_pod: int, of_claim: int) -> None:
    made = decide.claim_for(pod("p" * of_pod), "c" * of_claim, ResourceClaimTemplate())
    base = made.metadata.generateName
    assert len(base) <= 58
    assert "p" in base
    assert base.endswith("c")


def test_a_pod_that_came_past_the_scheduler_is_reserved_for() -> None:
    reserved = decide.to_reserve(pod(), claim("u-a"))
    assert reserved is not None
    assert [(one.resource, one.name, one.uid) for one in reserved.status.reservedFor] == [
        ("pods", "a", "u-a"),
        ("pods", "web", "u-web"),
    ]
    full = claim(*(f"u-{index}" for index in range(256)))
    for nothing in (claim("u-web"), claim(allocated=False), claim(going=True), full):
        assert decide.to_reserve(pod(), nothing) is None
