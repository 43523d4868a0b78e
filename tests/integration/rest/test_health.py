"""What the module podlab_health sees of a host is what the API server says to the host's own kubelet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load
from podlab_testing.cluster import Cluster

from podlab import GIT_VERSION
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1.meta_pb2 import ObjectMeta

podlab_health = load("podlab_health")
NODE = "n1"


@pytest.fixture
def look(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """As the module looks on node n1, but for systemd."""
    tls = cluster.authority.tls(f"system:node:{NODE}")
    for name, path in {"ca.crt": tls.ca, "kubelet.crt": tls.cert, "kubelet.key": tls.key}.items():
        (tmp_path / name).symlink_to(path)
    monkeypatch.setattr(podlab_health, "PKI", tmp_path)
    monkeypatch.setattr(podlab_health, "services", dict)
    params = {"apiservers": ["127.0.0.1"], "rest_port": cluster.settings.rest_port, "own": "127.0.0.1", "node": NODE}

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = podlab_health.look(params)
        return found

    return seen


async def test_node_and_pods_are_seen_with_the_kubelet_s_certificate(
    cluster: Cluster, look: Callable[[], dict[str, Any]]
) -> None:
    admin = await cluster.client()
    node = node_pb2.Node(metadata=ObjectMeta(name=NODE))
    node.status.nodeInfo.kubeletVersion = "v1.36.0+podlab.0.1.0"
    node.status.conditions.add(type="Ready", status="True")
    await admin.create(node)
    pod = pod_pb2.Pod(metadata=ObjectMeta(name="web", namespace="default"))
    pod.spec.nodeName = NODE
    pod.spec.containers.add(name="web", image="podlab.local/hello:1.0")
    made = await admin.create(pod)
    made.status.conditions.add(type="Ready", status="True")
    state = made.status.containerStatuses.add(name="web", containerID="containerd://1", image="i", imageID="i")
    state.state.running.SetInParent()
    await admin.update_status(made)

    seen = await asyncio.to_thread(look)
    assert (seen["silent"], seen["server"]) == ("", GIT_VERSION)
    assert (seen["node"]["ready"], seen["node"]["version"]) == (True, "v1.36.0+podlab.0.1.0")
    expected = {"name": "default/web", "ready": True, "leaving": False, "containers": {"web": "containerd://1"}}
    assert seen["pods"] == {made.metadata.uid: expected}


async def test_a_server_that_is_away_is_told(cluster: Cluster, look: Callable[[], dict[str, Any]]) -> None:
    await cluster.stop()
    seen = await asyncio.to_thread(look)
    assert f"port {cluster.settings.rest_port} gives no answer" in seen["silent"]
