"""What `get` prints for each kind."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.message import Message
from podlab_testing import builtin_kinds

from podlab.api import kinds
from podlab.api.values import times
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CREATED = {"seconds": times.from_datetime(NOW).seconds - 65}


def cells(message: Message, wide: bool = True) -> dict[str, str]:
    names = builtin_kinds.resource(message).table.columns(wide)
    return dict(zip(names, builtin_kinds.resource(message).table.row(message, wide, NOW), strict=True))


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
def test_every_kind_has_a_table_even_for_an_empty_object(kind: kinds.Kind) -> None:
    wide, narrow = cells(kind.message()), cells(kind.message(), wide=False)
    assert "NAME" in wide
    assert narrow.items() <= wide.items()


def pod(*, spec: dict[str, Any] | None = None, deleted: bool = False, **status: Any) -> Pod:
    metadata = {"name": "p", "creationTimestamp": CREATED, **({"deletionTimestamp": CREATED} if deleted else {})}
    return Pod(metadata=metadata, spec=spec or {"containers": [{"name": "c"}]}, status=status)


def container(
    *, ready: bool = False, restarts: int = 0, last: Any = None, name: str = "c", **state: Any
) -> dict[str, Any]:
    last_state = {"terminated": last} if last else None
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, "lastState": last_state}


WITH_INIT = {"containers": [{"name": "c"}], "initContainers": [{"name": "i"}, {"name": "j"}]}
WITH_SIDECAR = {"containers": [{"name": "c"}], "initContainers": [{"name": "s", "restartPolicy": "Always"}]}


@pytest.mark.parametrize(
    ("item", "ready", "status", "restarts"),
    [
        (pod(phase="Pending"), "0/1", "Pending", "0"),
        (pod(phase="Running", containerStatuses=[container(ready=True, running={})]), "1/1", "Running", "0"),
        (
            pod(phase="Pending", containerStatuses=[container(waiting={"reason": "ErrImagePull"})]),
            "0/1",
            "ErrImagePull",
            "0",
        ),
        (
            pod(
                phase="Running",
                containerStatuses=[
                    container(waiting={"reason": "CrashLoopBackOff"}, restarts=3, last={"finishedAt": CREATED})
                ],
            ),
            "0/1",
            "CrashLoopBackOff",
            "3 (65s ago)",
        ),
        (
            pod(phase="Succeeded", containerStatuses=[container(terminated={"reason": "Completed"})]),
            "0/1",
            "Completed",
            "0",
        ),
        (pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 3})]), "0/1", "ExitCode:3", "0"),
        (pod(phase="Failed", containerStatuses=[container(terminated={"signal": 9})]), "0/1", "Signal:9", "0"),
        (pod(phase="Running", deleted=True), "0/1", "Terminating", "0"),
        (pod(phase="Succeeded", deleted=True), "0/1", "Succeeded", "0"),
        (pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", "0"),
        (
            pod(
                spec=WITH_INIT,
                phase="Pending",
                initContainerStatuses=[container(name="i", terminated={}), container(name="j", running={})],
            ),
            "0/1",
            "Init:1/2",
            "0",
        ),
        (
            pod(
                spec=WITH_INIT,
                initContainerStatuses=[container(name="i", terminated={"exitCode": 1, "reason": "Error"})],
            ),
            "0/1",
            "Init:Error",
            "0",
        ),
        (
            pod(
                spec=WITH_SIDECAR,
                phase="Running",
                initContainerStatuses=[{**container(name="s", ready=True, running={}), "started": True}],
                containerStatuses=[container(ready=True, running={})],
            ),
            "2/2",
            "Running",
            "0",
        ),
        (
            pod(
                spec=WITH_SIDECAR,
                phase="Succeeded",
                conditions=[{"type": "Initialized", "status": "True"}],
                initContainerStatuses=[container(name="s", terminated={"exitCode": 137, "reason": "Error"})],
                containerStatuses=[container(terminated={"reason": "Completed"})],
            ),
            "0/2",
            "Completed",
            "0",
        ),
    ],
)
def test_a_pods_state_is_one_word(item: Pod, ready: str, status: str, restarts: str) -> None:
    shown = cells(item)
    assert (shown["READY"], shown["STATUS"], shown["RESTARTS"], shown["AGE"]) == (ready, status, restarts, "65s")


def test_a_node_shows_condition_roles_and_system() -> None:
    node = Node(
        metadata={"name": "n1", "labels": {"node-role.kubernetes.io/worker": ""}},
        spec={"unschedulable": True},
        status={
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v0.1.0", "osImage": "Debian"},
        },
    )
    shown = cells(node)
    assert shown["STATUS"] == "Ready,SchedulingDisabled"
    assert (shown["ROLES"], shown["VERSION"], shown["INTERNAL-IP"]) == ("worker", "v0.1.0", "10.0.0.1")


def test_a_service_shows_its_ports_and_node_ports() -> None:
    service = Service(
        spec={
            "type": "NodePort",
            "clusterIP": "10.96.0.7",
            "selector": {"b": "2", "a": "1"},
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
        }
    )
    shown = cells(service)
    assert shown["PORT(S)"] == "80:30080/TCP,53/UDP"
    assert (shown["EXTERNAL-IP"], shown["SELECTOR"]) == ("<none>", "a=1,b=2")


def test_a_load_balancers_address_is_pending() -> None:
    assert cells(Service(spec={"type": "LoadBalancer"}))["EXTERNAL-IP"] == "<pending>"


def test_a_load_balancers_points_are_its_addresses_and_names_in_order() -> None:
    points = [{"ip": "192.0.2.9"}, {"hostname": "a.example"}, {"ip": "192.0.2.1"}]
    found = Service(spec={"type": "LoadBalancer"}, status={"loadBalancer": {"ingress": points}})
    assert cells(found)["EXTERNAL-IP"] == "192.0.2.1,192.0.2.9,a.example"


def test_a_deployment_shows_counts_images_and_selector() -> None:
    deployment = Deployment(
        spec={
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}},
        },
        status={"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
    )
    shown = cells(deployment)
    assert [shown[name] for name in ("READY", "UP-TO-DATE", "AVAILABLE")] == ["2/3", "3", "1"]
    assert [shown[name] for name in ("CONTAINERS", "IMAGES", "SELECTOR")] == ["c", "i:1", "app=web"]


def test_many_endpoints_are_counted_rather_than_listed() -> None:
    addresses = [{"addresses": [f"10.0.0.{n}"]} for n in range(5)]
    shown = cells(EndpointSlice(endpoints=addresses, ports=[{"port": 80}]))
    assert shown["ENDPOINTS"] == "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more..."
    assert shown["PORTS"] == "80"


def test_an_event_shows_when_it_was_last_seen_and_of_what() -> None:
    event = Event(involvedObject={"kind": "Pod", "name": "p"}, lastTimestamp=CREATED, reason="Pulled", message="done\n")
    shown = cells(event)
    assert (shown["LAST SEEN"], shown["OBJECT"], shown["MESSAGE"]) == ("65s", "pod/p", "done")


@pytest.mark.parametrize(
    ("conditions", "shown"),
    [([], "0/2"), ([{"type": "example.com/a", "status": "True"}], "1/2")],
)
def test_a_pods_readiness_gates_are_counted(conditions: list[dict[str, str]], shown: str) -> None:
    gates = [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]
    spec = {"containers": [{"name": "c"}], "readinessGates": gates}
    assert cells(pod(spec=spec, phase="Running", conditions=conditions))["READINESS GATES"] == shown
    assert cells(pod(phase="Running"))["READINESS GATES"] == "<none>"
