"""StatefulSets and DaemonSets on real hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, condition_of, container, pod, wait_until


def workload(kind: str, name: str, spec: dict[str, Any], **pod: Any) -> str:
    labels = {"app": name}
    box = container(lifecycle=None, **pod.pop("container", {}))
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [box], "terminationGracePeriodSeconds": 1, **pod},
    }
    body = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return yaml.safe_dump({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": body})


def pods(cli: Cli, namespace: str, name: str) -> dict[str, dict[str, Any]]:
    """Those that are ready and stay, by name."""
    found = cli.items("pods", "-n", namespace, "-l", f"app={name}")
    staying = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    return {each["metadata"]["name"]: each for each in staying if condition_of(each, "Ready") == "True"}


def test_a_stateful_pod_comes_back_as_the_same_with_its_data(cli: Cli, namespace: str, all_ready: None) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    spec = {"serviceName": "db", "replicas": 2, "volumeClaimTemplates": [claim]}
    cli("apply", "-n", namespace, "-f", "-", stdin=workload("StatefulSet", "db", spec, container=mount))
    wait_until(lambda: set(pods(cli, namespace, "db")) == {"db-0", "db-1"}, "two pods")
    cli("exec", "db-1", "-n", namespace, "--", "sh", "-c", "echo kept > /data/words")
    before = pods(cli, namespace, "db")
    cli("delete", "pod", "db-1", "-n", namespace)

    def is_back() -> bool:
        now = pods(cli, namespace, "db").get("db-1")
        return now is not None and now["metadata"]["uid"] != before["db-1"]["metadata"]["uid"]

    wait_until(is_back, "another db-1")
    said = cli("exec", "db-1", "-n", namespace, "--", "sh", "-c", "hostname; cat /data/words").split()
    assert said == ["db-1", "kept"]
    assert pods(cli, namespace, "db")["db-0"]["metadata"]["uid"] == before["db-0"]["metadata"]["uid"]


def test_a_stateful_pod_whose_port_is_taken_is_made_anew_until_it_is_free(
    cli: Cli, namespace: str, all_ready: None
) -> None:
    port = {"ports": [{"containerPort": 8080, "hostPort": 21017}]}
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("holder", spec={"nodeName": "n1"} | _box(port)))
    wait_until(lambda: condition_of(cli.get("pod", "holder", "-n", namespace), "Ready") == "True", "the port is taken")
    spec = {"serviceName": "port", "replicas": 1}
    made = workload("StatefulSet", "port", spec, nodeName="n1", container=port)
    cli("apply", "-n", namespace, "-f", "-", stdin=made)

    def refused() -> set[str]:
        events = cli.items("events", "-n", namespace)
        return {each["involvedObject"]["uid"] for each in events if each["reason"] == "NodePorts"}

    wait_until(lambda: len(refused()) > 1, "a second pod that is refused")
    assert condition_of(cli.get("pod", "holder", "-n", namespace), "Ready") == "True", "what runs goes on"
    cli("delete", "pod", "holder", "-n", namespace)
    wait_until(lambda: "port-0" in pods(cli, namespace, "port"), "the pod has the port")
    assert len(refused()) < 30, "once a second at most"


def _box(port: dict[str, Any]) -> dict[str, Any]:
    return {"containers": [container(lifecycle=None, **port)], "terminationGracePeriodSeconds": 1}


@pytest.fixture
def label(cli: Cli) -> Iterator[Any]:
    """Sets or, with "", removes the label `e2e` of a node."""

    def put(node: str, value: str) -> None:
        labels = {"e2e": value} if value else {}
        metadata = {"name": node, "labels": labels}
        cli("apply", "-f", "-", stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "Node", "metadata": metadata}))

    yield put
    for node in ("n1", "n2"):
        put(node, "")


def test_a_daemon_set_follows_the_labels_of_nodes(cli: Cli, namespace: str, label: Any, all_ready: None) -> None:
    def on() -> set[str]:
        return {each["spec"]["nodeName"] for each in pods(cli, namespace, "agent").values()}

    spec = {"updateStrategy": {"type": "RollingUpdate"}}
    manifest = workload("DaemonSet", "agent", spec, nodeSelector={"e2e": "yes"})
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    label("n1", "yes")
    wait_until(lambda: on() == {"n1"}, "a pod on n1")
    label("n2", "yes")
    wait_until(lambda: on() == {"n1", "n2"}, "a pod on each")
    label("n1", "no")
    wait_until(lambda: on() == {"n2"}, "none on n1")
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest.replace("hello:1.0", "hello:1.1"))

    def images() -> set[str]:
        return {each["spec"]["containers"][0]["image"] for each in pods(cli, namespace, "agent").values()}

    wait_until(lambda: images() == {"podlab.local/hello:1.1"}, "the new version")
