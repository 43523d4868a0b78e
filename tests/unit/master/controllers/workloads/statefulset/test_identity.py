"""Who a StatefulSet's pods are, and with whom their claims go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.objects.ownership import reference_to
from master.controllers.workloads.statefulset.identity import claims_for, is_member, pod_for
from master.controllers.workloads.statefulset.retention import is_stale, retained

Builder = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("web-0", True),
        ("web-12", True),
        ("web-012", False),
        ("web", False),
        ("web-", False),
        ("web-a", False),
        ("web--1", False),
        ("other-1", False),
        ("web-1-2", False),
        ("web-²", False),
    ],
)
def test_a_member_is_known_by_its_name(stateful_set: Builder, pod: Builder, name: str, member: bool) -> None:
    assert is_member(stateful_set(), pod(name)) is member


def test_a_pod_has_name_labels_host_and_claims_by_its_ordinal(stateful_set: Builder) -> None:
    owner = stateful_set(claims=("data", "logs"))
    owner.spec.template.spec.volumes.add(name="data").volumeSource.emptyDir.SetInParent()
    owner.spec.template.spec.volumes.add(name="scratch").volumeSource.emptyDir.SetInParent()
    made = pod_for(owner, 3, owner.spec.template, "web-abc")
    assert (made.metadata.name, made.spec.hostname, made.spec.subdomain) == ("web-3", "web-3", "nginx")
    assert dict(made.metadata.labels) == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "3",
        "controller-revision-hash": "web-abc",
        "statefulset.kubernetes.io/pod-name": "web-3",
    }
    volumes = {one.name: one.volumeSource.persistentVolumeClaim.claimName for one in made.spec.volumes}
    assert volumes == {"data": "data-web-3", "logs": "logs-web-3", "scratch": ""}
    claims = claims_for(owner, "web-3")
    assert [claim.metadata.name for claim in claims] == ["data-web-3", "logs-web-3"]
    assert all(claim.metadata.labels["app"] == "web" for claim in claims)
    assert not claims[0].metadata.ownerReferences


@pytest.mark.parametrize(
    ("deleted", "scaled", "ordinal", "owner"),
    [
        ("Retain", "Retain", 0, None),
        ("Retain", "Retain", 9, None),
        ("Delete", "Retain", 0, "StatefulSet"),
        ("Delete", "Retain", 9, "StatefulSet"),
        ("Retain", "Delete", 0, None),
        ("Retain", "Delete", 9, "Pod"),
        ("Delete", "Delete", 0, "StatefulSet"),
        ("Delete", "Delete", 9, "Pod"),
    ],
)
@pytest.mark.parametrize("before", [None, "StatefulSet", "Pod"])
def test_a_claim_goes_with_whom_the_policy_says(
    stateful_set: Builder, pod: Builder, deleted: str, scaled: str, ordinal: int, owner: str | None, before: str | None
) -> None:
    one = stateful_set(3, claims=("data",))
    one.spec.persistentVolumeClaimRetentionPolicy.whenDeleted = deleted
    one.spec.persistentVolumeClaimRetentionPolicy.whenScaled = scaled
    its_pod = pod(f"web-{ordinal}")
    (claim,) = claims_for(one, its_pod.metadata.name)
    if before is not None:
        claim.metadata.ownerReferences.append(reference_to(one if before == "StatefulSet" else its_pod))
    wanted = retained(one, its_pod, claim)
    if before == owner:
        assert wanted is None
    else:
        assert wanted is not None
        assert [reference.kind for reference in wanted.metadata.ownerReferences] == ([owner] if owner else [])


def test_the_claim_of_another_controller_is_left_to_it(
    stateful_set: Builder, pod: Builder, replica_set: Builder
) -> None:
    one = stateful_set(claims=("data",))
    one.spec.persistentVolumeClaimRetentionPolicy.whenDeleted = "Delete"
    (claim,) = claims_for(one, "web-0")
    claim.metadata.ownerReferences.append(reference_to(replica_set()))
    assert retained(one, pod("web-0"), claim) is None


def test_a_claim_that_goes_with_an_earlier_pod_of_the_name_is_stale(stateful_set: Builder, pod: Builder) -> None:
    (claim,) = claims_for(stateful_set(claims=("data",)), "web-0")
    assert not is_stale("web-0", "", claim)
    earlier = pod("web-0")
    claim.metadata.ownerReferences.append(reference_to(earlier))
    assert is_stale("web-0", "", claim)
    assert not is_stale("web-0", earlier.metadata.uid, claim)
