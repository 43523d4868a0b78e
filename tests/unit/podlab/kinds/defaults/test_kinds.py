"""Defaults of the kinds that have few."""

from podlab_testing.builtin_kinds import apply_defaults

from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import config_pb2, event_pb2, namespace_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.meta.v1 import meta_pb2


def test_a_deployment_rolls_by_a_quarter_and_keeps_ten_revisions() -> None:
    deployment = deployment_pb2.Deployment()
    deployment.spec.template.spec.containers.add(image="hello")
    apply_defaults(deployment)
    spec = deployment.spec
    assert (spec.replicas, spec.revisionHistoryLimit, spec.progressDeadlineSeconds) == (1, 10, 600)
    assert spec.strategy.type == "RollingUpdate"
    quarter = meta_pb2.IntOrString(type=1, strVal="25%")
    assert spec.strategy.rollingUpdate.maxSurge == quarter
    assert spec.strategy.rollingUpdate.maxUnavailable == quarter
    assert spec.template.spec.containers[0].imagePullPolicy == "Always"


def test_numbers_that_were_said_stay_even_when_they_are_zero() -> None:
    deployment = deployment_pb2.Deployment()
    deployment.spec.replicas = 0
    deployment.spec.revisionHistoryLimit = 0
    deployment.spec.strategy.rollingUpdate.maxSurge.intVal = 0
    apply_defaults(deployment)
    assert (deployment.spec.replicas, deployment.spec.revisionHistoryLimit) == (0, 0)
    assert deployment.spec.strategy.rollingUpdate.maxSurge == meta_pb2.IntOrString()
    assert deployment.spec.strategy.rollingUpdate.maxUnavailable.strVal == "25%"


def test_recreate_has_no_rolling_update() -> None:
    deployment = deployment_pb2.Deployment()
    deployment.spec.strategy.type = "Recreate"
    apply_defaults(deployment)
    assert not deployment.spec.strategy.HasField("rollingUpdate")


def test_a_replica_set_has_one_replica_and_a_pods_defaults() -> None:
    replica_set = replicaset_pb2.ReplicaSet()
    apply_defaults(replica_set)
    assert replica_set.spec.replicas == 1
    assert replica_set.spec.template.spec.restartPolicy == "Always"


def test_text_of_a_secret_becomes_data_and_is_gone() -> None:
    secret = config_pb2.Secret(data={"a": b"1", "b": b"2"}, stringData={"b": "zwei", "c": "ü"})
    apply_defaults(secret)
    assert dict(secret.data) == {"a": b"1", "b": b"zwei", "c": "ü".encode()}
    assert not secret.stringData
    assert secret.type == "Opaque"


def test_a_namespace_carries_its_name_as_a_label() -> None:
    namespace = namespace_pb2.Namespace()
    namespace.metadata.name = "team"
    apply_defaults(namespace)
    assert namespace.metadata.labels["kubernetes.io/metadata.name"] == "team"


def test_ports_of_an_endpoint_slice_are_named_and_speak_tcp() -> None:
    endpoints = endpointslice_pb2.EndpointSlice()
    endpoints.ports.add(port=80)
    apply_defaults(endpoints)
    assert endpoints.ports[0].HasField("name")
    assert endpoints.ports[0].protocol == "TCP"


def test_a_kind_without_defaults_is_left_alone() -> None:
    event = event_pb2.Event(reason="Started")
    apply_defaults(event)
    assert event == event_pb2.Event(reason="Started")
