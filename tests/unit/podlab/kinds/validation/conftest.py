"""Builders of objects that are valid until a test says otherwise, and a way to read what is found."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from podlab_testing.builtin_kinds import apply_defaults, validate_create, validate_update

from podlab.apps.v1 import deployment_pb2
from podlab.core.v1 import pod_pb2

Found = Callable[..., list[str]]


@pytest.fixture
def found() -> Found:
    """What is wrong with an object: on creation, or as an update of another. Defaults are applied to both."""

    def find(new: Message, old: Message | None = None) -> list[str]:
        apply_defaults(new)
        if old is None:
            return [str(cause) for cause in validate_create(new)]
        apply_defaults(old)
        return [str(cause) for cause in validate_update(new, old)]

    return find


@pytest.fixture
def pod() -> Callable[..., pod_pb2.Pod]:
    """A pod of one container; arguments are fields of its spec."""

    def build(**spec: Any) -> pod_pb2.Pod:
        fields = {"containers": [{"name": "web", "image": "hello:1.0"}], **spec}
        made = pod_pb2.Pod()
        made.metadata.name, made.metadata.namespace = "web-1", "default"
        made.spec.CopyFrom(pod_pb2.PodSpec(**fields))
        return made

    return build


@pytest.fixture
def container(pod: Callable[..., pod_pb2.Pod]) -> Callable[..., pod_pb2.Pod]:
    """A pod of one container; arguments are fields of the container."""

    def build(**fields: Any) -> pod_pb2.Pod:
        volumes = [{"name": "data", "volumeSource": {"emptyDir": {}}}]
        return pod(containers=[{"name": "web", "image": "hello:1.0", **fields}], volumes=volumes)

    return build


@pytest.fixture
def deployment() -> Callable[..., deployment_pb2.Deployment]:
    """A Deployment whose selector matches; arguments are fields of its spec."""

    def build(**spec: Any) -> deployment_pb2.Deployment:
        fields = {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "hello:1.0"}]},
            },
            **spec,
        }
        made = deployment_pb2.Deployment()
        made.metadata.name, made.metadata.namespace = "web", "default"
        made.spec.CopyFrom(deployment_pb2.DeploymentSpec(**fields))
        return made

    return build
