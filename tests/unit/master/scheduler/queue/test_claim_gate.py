"""Pods wait for their claims, without an attempt."""

from __future__ import annotations

from podlab_testing import allocations

from master.scheduler.cache.device_claims import DeviceClaims
from master.scheduler.queue.claim_gate import ClaimGate
from podlab.api.objects import key

NAME = ("default", "claim")


def test_a_pod_passes_once_its_claim_is_there() -> None:
    known, pod = DeviceClaims(), allocations.claiming_pod("claim")
    gate = ClaimGate({"default-scheduler"}, known.claims_of)
    assert gate.holds(key(pod), pod)
    assert gate.waiting_for(NAME) == [key(pod)]
    known.set_claim(NAME, allocations.resource_claim())
    assert not gate.holds(key(pod), pod)
    assert gate.waiting_for(NAME) == []


def test_a_pod_waits_for_one_claim_after_the_other() -> None:
    known, pod = DeviceClaims(), allocations.claiming_pod("claim", "other")
    gate = ClaimGate({"default-scheduler"}, known.claims_of)
    gate.holds(key(pod), pod)
    known.set_claim(NAME, allocations.resource_claim())
    assert gate.holds(key(pod), pod)
    assert gate.waiting_for(NAME) == []
    assert gate.waiting_for(("default", "other")) == [key(pod)]


def test_a_pod_whose_claim_has_no_name_waits_for_its_own_change() -> None:
    known, pod = DeviceClaims(), allocations.claiming_pod(template="gpus")
    named = allocations.claiming_pod(template="gpus")
    del pod.status.resourceClaimStatuses[:]
    gate = ClaimGate({"default-scheduler"}, known.claims_of)
    assert gate.holds(key(pod), pod)
    assert gate.holds(key(pod), named)
    assert gate.waiting_for(("default", "web")) == [key(pod)]


def test_a_pod_that_is_gone_is_forgotten() -> None:
    known, pod = DeviceClaims(), allocations.claiming_pod("claim")
    gate = ClaimGate({"default-scheduler"}, known.claims_of)
    gate.holds(key(pod), pod)
    gate.forget(key(pod))
    gate.forget(key(pod))
    assert gate.waiting_for(NAME) == []


def test_pods_without_claims_and_those_of_schedulers_without_devices_pass() -> None:
    known = DeviceClaims()
    plain, other = allocations.claiming_pod(), allocations.claiming_pod("claim")
    other.spec.schedulerName = "packing"
    gate = ClaimGate({"default-scheduler"}, known.claims_of)
    assert not gate.holds(key(plain), plain)
    assert not gate.holds(key(other), other)
