"""Which pods are meant by the name of what has them."""

import pytest
from google.protobuf.message import Message

from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.batch.v1.job_pb2 import Job
from podlab.cli.pods.pod_lookup import selector_of
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.core.v1.service_pb2 import Service


@pytest.mark.parametrize("kind", [DaemonSet, Deployment, Job, ReplicaSet, StatefulSet])
def test_a_workload_has_the_pods_that_its_selector_takes(kind: type[Message]) -> None:
    assert selector_of(kind(spec={"selector": {"matchLabels": {"app": "web"}}})) == "app=web"


@pytest.mark.parametrize("kind", [ReplicationController, Service])
def test_a_selector_of_plain_labels_does_too(kind: type[Message]) -> None:
    assert selector_of(kind(spec={"selector": {"app": "web"}})) == "app=web"


@pytest.mark.parametrize("owner", [ConfigMap(), Service()])
def test_others_have_none(owner: Message) -> None:
    assert selector_of(owner) == ""
