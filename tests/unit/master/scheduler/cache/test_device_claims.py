"""What is known of claims, whatever comes first: the informer's news, or the API server's answer."""

from __future__ import annotations

import pytest
from podlab_testing import allocations

from master.scheduler.cache.device_claims import DeviceClaims, PodDevices
from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

NAME = ("default", "claim")
GIVEN = allocations.given("n1/d0")


def _claim(version: int = 1, *, has_device: bool = False, uid: str = "claim") -> ResourceClaim:
    claim = allocations.resource_claim()
    claim.metadata.resourceVersion, claim.metadata.uid = str(version), uid
    if has_device:
        claim.status.allocation.CopyFrom(GIVEN)
    return claim


@pytest.fixture
def known() -> DeviceClaims:
    """One claim, without devices."""
    made = DeviceClaims()
    made.set_claim(NAME, _claim())
    return made


def _reserve(known: DeviceClaims) -> None:
    known.reserve("uid-web", PodDevices("n1", (NAME,), {NAME: GIVEN}))


def _is_taken(known: DeviceClaims) -> bool:
    return known.allocated.is_taken(allocations.DEVICE_0)


def test_what_a_pod_is_to_get_is_taken_until_it_is_bound_or_not(known: DeviceClaims) -> None:
    _reserve(known)
    assert _is_taken(known)
    assert known.is_in_flight(known.claims[NAME])
    assert known.unreserve("uid-web"), "it is free again"
    assert not _is_taken(known)
    assert known.reserved_for("uid-web") is None
    assert not known.unreserve("uid-web")


def test_what_is_stored_stays_taken(known: DeviceClaims) -> None:
    _reserve(known)
    known.stored(NAME, _claim(5, has_device=True))
    assert not known.is_in_flight(known.claims[NAME])
    assert not known.unreserve("uid-web")
    assert _is_taken(known)


def test_an_informer_that_is_behind_takes_nothing_back(known: DeviceClaims) -> None:
    _reserve(known)
    known.stored(NAME, _claim(5, has_device=True))
    known.set_claim(NAME, _claim(4))
    assert _is_taken(known)
    known.set_claim(NAME, _claim(6))
    assert not _is_taken(known)


def test_an_answer_that_is_behind_of_the_informer_changes_nothing(known: DeviceClaims) -> None:
    known.set_claim(NAME, _claim(7))
    known.stored(NAME, _claim(5, has_device=True))
    assert not _is_taken(known)
    known.set_claim(NAME, _claim(8, has_device=True))
    assert _is_taken(known)


def test_an_answer_about_a_claim_that_is_gone_brings_it_not_back(known: DeviceClaims) -> None:
    _reserve(known)
    known.set_claim(NAME, None)
    known.stored(NAME, _claim(5, has_device=True))
    assert NAME not in known.claims
    assert not _is_taken(known)


def test_a_claim_that_was_created_is_known_at_once(known: DeviceClaims) -> None:
    other = ("default", "other")
    known.created(other, allocations.resource_claim("other"))
    assert other in known.claims
    known.created(NAME, _claim(9, has_device=True))
    assert not _is_taken(known), "the informer knew better"


def test_a_cluster_that_was_restored_may_tell_of_older_claims(known: DeviceClaims) -> None:
    known.set_claim(NAME, _claim(90, has_device=True))
    known.set_claim(NAME, _claim(3))
    assert not _is_taken(known)


def test_news_of_a_claim_in_flight_take_nothing_back(known: DeviceClaims) -> None:
    _reserve(known)
    known.set_claim(NAME, _claim(2))
    assert _is_taken(known)
    known.set_claim(NAME, _claim(3, has_device=True))
    known.unreserve("uid-web")
    assert _is_taken(known)


def test_a_claim_that_goes_while_in_flight_frees_its_devices(known: DeviceClaims) -> None:
    _reserve(known)
    known.set_claim(NAME, None)
    assert not _is_taken(known)
    assert not known.unreserve("uid-web")


def test_another_claim_of_the_name_has_nothing_of_the_first(known: DeviceClaims) -> None:
    known.set_claim(NAME, _claim(2, has_device=True))
    known.set_claim(NAME, _claim(1, uid="another"))
    assert not _is_taken(known)


def test_devices_that_cannot_be_made_ready_are_remembered_until_others_are_given(known: DeviceClaims) -> None:
    known.set_claim(NAME, _claim(2, has_device=True))
    known.binding_failed(known.claims[NAME])
    assert known.has_failed(known.claims[NAME])
    known.set_claim(NAME, _claim(3))
    assert not known.has_failed(known.claims[NAME])


@pytest.mark.parametrize(
    ("pod", "refusal", "missing"),
    [
        (allocations.claiming_pod("claim"), "", None),
        (allocations.claiming_pod(), "", None),
        (allocations.claiming_pod("none"), 'could not find ResourceClaim "default/none"', ("default", "none")),
        (
            allocations.claiming_pod(name="claim", template="gpus"),
            "ResourceClaim default/claim was not created for pod default/claim (pod is not owner)",
            NAME,
        ),
    ],
)
def test_a_pod_needs_its_claims(known: DeviceClaims, pod: Pod, refusal: str, missing: tuple[str, str] | None) -> None:
    found = known.claims_of(pod)
    assert (found.refusal, found.missing) == (refusal, missing)


def test_a_claim_that_is_to_be_made_has_no_name_yet(known: DeviceClaims) -> None:
    pod = allocations.claiming_pod(template="gpus")
    del pod.status.resourceClaimStatuses[:]
    found = known.claims_of(pod)
    assert (found.refusal, found.missing) == ('pod "default/web": ResourceClaim not created yet', None)


def test_a_claim_that_is_not_needed_is_passed_over(known: DeviceClaims) -> None:
    pod = allocations.claiming_pod("claim", template="gpus")
    pod.status.resourceClaimStatuses[0].ClearField("resourceClaimName")
    assert [each.metadata.name for each in known.claims_of(pod).claims] == ["claim"]


def test_a_claim_that_is_being_deleted_is_of_no_use(known: DeviceClaims) -> None:
    going = _claim(2)
    going.metadata.deletionTimestamp.seconds = 1
    known.set_claim(NAME, going)
    assert known.claims_of(allocations.claiming_pod("claim")).refusal == 'resourceclaim "claim" is being deleted'
