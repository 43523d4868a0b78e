"""When a node counts as being in the cluster: Ready, by what its kubelet has said since it started."""

import socket
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_ready: Any = load("podlab_ready")
STARTED = 1_800_000_000.0  # 2027-01-15T08:00:00Z
BEFORE, AFTER = "2027-01-15T07:59:59.000000Z", "2027-01-15T08:00:01.500000Z"


def node(status: str = "True", **condition: str) -> dict[str, Any]:
    return {
        "status": {
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": status, **condition},
            ]
        }
    }


def lease(renewed: str) -> dict[str, Any]:
    return {"spec": {"renewTime": renewed}}


@pytest.mark.parametrize(
    ("found", "heartbeat", "cause"),
    [
        (node(), lease(AFTER), ""),
        (node(), lease(BEFORE), "its kubelet has sent no heartbeat since it started"),
        (node(), {}, "its kubelet has sent no heartbeat since it started"),
        (node(), {"spec": {}}, "its kubelet has sent no heartbeat since it started"),
        (
            node("False", reason="KubeletNotReady", message="container runtime is down"),
            lease(AFTER),
            "it is not Ready: KubeletNotReady: container runtime is down",
        ),
        (
            node("Unknown", reason="NodeStatusUnknown", message="Kubelet stopped posting node status."),
            lease(AFTER),
            "it is not Ready: NodeStatusUnknown: Kubelet stopped posting node status.",
        ),
        ({}, lease(AFTER), "it is not Ready: no reason: nothing was said"),
    ],
)
def test_a_node_is_ready_by_what_its_kubelet_says_now(
    found: dict[str, Any], heartbeat: dict[str, Any], cause: str
) -> None:
    assert podlab_ready.why_not(found, heartbeat, STARTED) == cause


NO_PLUGIN = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


@pytest.mark.parametrize(
    ("message", "will_do"),
    [(NO_PLUGIN, True), (f"{NO_PLUGIN}; no memory", False), (f"no memory; {NO_PLUGIN}", False), ("", False)],
)
def test_where_another_cni_plugin_is_to_come_a_node_may_lack_that_and_nothing_else(message: str, will_do: bool) -> None:
    found = node("False", reason="KubeletNotReady", message=message)
    assert (podlab_ready.why_not(found, lease(AFTER), STARTED, without_network=True) == "") == will_do
    assert podlab_ready.why_not(found, lease(AFTER), STARTED) != ""


def servers(*grpc_ports: int) -> list[Any]:
    return [podlab_ready.ApiServer("127.0.0.1", port, 6443) for port in grpc_ports]


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({1: "no heartbeat", 2: ""}, ""),
        ({1: "", 2: "no heartbeat"}, ""),
        ({1: "cannot be reached", 2: "has not registered it"}, "has not registered it"),
        ({1: "cannot be reached", 2: "cannot be reached either"}, "cannot be reached"),
    ],
)
def test_of_several_api_servers_any_may_say_that_the_node_is_ready(
    monkeypatch: pytest.MonkeyPatch, told: dict[int, str], cause: str
) -> None:
    def look_at(_node: str, server: Any, *_: object) -> Any:
        said = told[server.grpc_port]
        return podlab_ready.Seen(said, answered="reached" not in said)

    monkeypatch.setattr(podlab_ready, "kubelet_started", lambda: STARTED)
    monkeypatch.setattr(podlab_ready, "look_at", look_at)
    assert podlab_ready.look("n1", servers(*told)).cause == cause


def test_a_kubelet_that_does_not_run_is_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podlab_ready, "kubelet_started", lambda: None)
    (server,) = servers(7443)
    assert podlab_ready.look("n1", [server]).cause == "its kubelet does not run"


def test_a_closed_port_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    monkeypatch.setattr(podlab_ready, "kubelet_started", lambda: STARTED)
    seen = podlab_ready.look("n1", servers(port))
    assert seen.closed_port == port
    assert seen.cause == f"it cannot reach the API server at 127.0.0.1 port {port}: Connection refused"
