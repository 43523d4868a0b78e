"""A host is well when its services run, its node is Ready with the right version, and its pods are as before."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_health = load("podlab_health")
VERSION = "v1.36.0+podlab.0.2.0.01ab34ef"


def pod(name: str = "default/web", *, ready: bool = True, leaving: bool = False, web: str = "one") -> dict[str, Any]:
    return {"name": name, "ready": ready, "leaving": leaving, "containers": {"web": web} if web else {}}


def seen(**changes: Any) -> dict[str, Any]:
    services = {"podlab-kubelet": {"state": "active", "pid": "7"}}
    node = {"version": VERSION, "ready": True, "told": "", "unschedulable": False}
    return {"services": services, "server": VERSION, "node": node, "pods": {"u": pod()}, "silent": "", **changes}


def wanted(**changes: Any) -> dict[str, Any]:
    return {"own": "192.0.2.1", "version": VERSION, "before": seen(), "timeout_s": 5, **changes}


@pytest.mark.parametrize(
    "now",
    [
        seen(),
        seen(pods={}),  # deleted meanwhile
        seen(pods={"u": pod(ready=False, leaving=True, web="")}),
        seen(pods={"u": pod(), "v": pod("default/new", ready=False)}),
    ],
)
def test_a_host_that_is_as_before_is_well(now: dict[str, Any]) -> None:
    assert podlab_health.faults(wanted(), now) == []


def test_a_pod_that_was_not_ready_before_need_not_be_so_now() -> None:
    before = seen(pods={"u": pod(ready=False)})
    assert podlab_health.faults(wanted(before=before), seen(pods={"u": pod(ready=False, web="two")})) == []


def test_a_node_that_waited_for_a_network_before_may_wait_on() -> None:
    waiting = {"version": VERSION, "ready": False, "told": "no CNI", "unschedulable": False}
    assert podlab_health.faults(wanted(before=seen(node=waiting)), seen(node=waiting)) == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (seen(services={"podlab-dns": {"state": "failed", "pid": "0"}}), "podlab-dns is failed"),
        (seen(server="v1.36.0+podlab.0.1.0"), f"its API server runs v1.36.0+podlab.0.1.0, not {VERSION}"),
        (
            seen(node={"version": "v1", "ready": True, "told": "", "unschedulable": False}),
            f"its kubelet runs v1, not {VERSION}",
        ),
        (
            seen(node={"version": VERSION, "ready": False, "told": "KubeletNotReady: no", "unschedulable": False}),
            "its node is not Ready: KubeletNotReady: no",
        ),
        (seen(pods={"u": pod(ready=False)}), "pod default/web is not ready, and was before"),
        (seen(pods={"u": pod(web="two")}), "container web of pod default/web was started anew"),
        (seen(silent="the API server at 192.0.2.1 port 6443 gives no answer: refused"), "gives no answer: refused"),
    ],
)
def test_what_is_wrong_is_named(now: dict[str, Any], words: str) -> None:
    (found,) = podlab_health.faults(wanted(), now)
    assert words in found


def test_a_master_that_is_no_node_is_judged_by_its_server() -> None:
    assert podlab_health.faults(wanted(before=seen(node={}, pods={})), seen(node={}, pods={})) == []


def test_a_service_that_ends_and_starts_again_is_not_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(1000))

    def look(_: object) -> dict[str, Any]:
        return seen(services={"podlab-kubelet": {"state": "active", "pid": str(next(looks))}})

    monkeypatch.setattr(podlab_health, "look", look)
    monkeypatch.setattr(podlab_health, "PAUSE_S", 0.0)
    _, found = podlab_health.wait(wanted(timeout_s=0.05))
    assert found == ["its services are started again and again"]


def test_a_host_that_stays_well_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([seen(silent="not yet"), *[seen()] * 1000])
    monkeypatch.setattr(podlab_health, "look", lambda _: next(looks))
    monkeypatch.setattr(podlab_health, "STEADY_S", 0.02)
    monkeypatch.setattr(podlab_health, "PAUSE_S", 0.01)
    assert podlab_health.wait(wanted(timeout_s=30)) == (seen(), [])


def test_a_pod_is_seen_by_what_the_api_server_says_of_it() -> None:
    told = {
        "metadata": {"namespace": "default", "name": "web", "uid": "u"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "web", "containerID": "one", "state": {"running": {}}},
                {"name": "done", "containerID": "two", "state": {"terminated": {}}},
            ],
        },
    }
    assert podlab_health.pod_state(told) == pod()
