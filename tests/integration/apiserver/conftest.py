"""Builders of valid objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podlab.core.v1 import config_pb2, node_pb2, pod_pb2, service_pb2
from podlab.meta.v1 import meta_pb2


def _config_map(name: str = "settings", namespace: str = "default", **data: str) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace=namespace), data=data)


def _pod(name: str = "web", namespace: str = "default", node: str = "", **labels: str) -> pod_pb2.Pod:
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace=namespace, labels=labels))
    pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    pod.spec.nodeName = node
    return pod


def _node(name: str = "n1", address: str = "192.0.2.10", kubelet_port: int = 7450) -> node_pb2.Node:
    node = node_pb2.Node(metadata=meta_pb2.ObjectMeta(name=name))
    node.status.addresses.add(type="InternalIP", address=address)
    node.status.daemonEndpoints.kubeletEndpoint.Port = kubelet_port
    return node


def _service(name: str = "web", namespace: str = "default", **spec: object) -> service_pb2.Service:
    service = service_pb2.Service(metadata=meta_pb2.ObjectMeta(name=name, namespace=namespace))
    service.spec.MergeFrom(service_pb2.ServiceSpec(**spec))  # type: ignore[arg-type]
    if not service.spec.ports:
        service.spec.ports.add(port=80)
    return service


@pytest.fixture
def config_map() -> Callable[..., config_pb2.ConfigMap]:
    return _config_map


@pytest.fixture
def pod() -> Callable[..., pod_pb2.Pod]:
    return _pod


@pytest.fixture
def node() -> Callable[..., node_pb2.Node]:
    return _node


@pytest.fixture
def service() -> Callable[..., service_pb2.Service]:
    return _service
