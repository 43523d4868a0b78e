from typing import Any

from podlab_testing.builtin_kinds import inherit_from

from podlab.core.v1 import config_pb2, service_pb2


def service(**spec: Any) -> service_pb2.Service:
    return service_pb2.Service(spec=service_pb2.ServiceSpec(**spec))


def test_a_manifest_sent_again_keeps_its_identity_and_what_deletion_set() -> None:
    old = config_pb2.ConfigMap()
    old.metadata.uid, old.metadata.generation = "u", 3
    old.metadata.creationTimestamp.seconds = 5
    old.metadata.deletionTimestamp.seconds = 9
    old.metadata.deletionGracePeriodSeconds = 30
    new = config_pb2.ConfigMap()
    new.metadata.creationTimestamp.seconds = 99
    inherit_from(new, old)
    assert new.metadata == old.metadata


def test_nobody_can_mark_an_object_as_being_deleted() -> None:
    new = config_pb2.ConfigMap()
    new.metadata.deletionTimestamp.seconds = 1
    new.metadata.deletionGracePeriodSeconds = 1
    inherit_from(new, config_pb2.ConfigMap())
    assert not new.metadata.HasField("deletionTimestamp")
    assert not new.metadata.HasField("deletionGracePeriodSeconds")


def test_an_identity_that_was_said_is_left_for_validation() -> None:
    old, new = config_pb2.ConfigMap(), config_pb2.ConfigMap()
    old.metadata.uid, new.metadata.uid = "one", "other"
    inherit_from(new, old)
    assert new.metadata.uid == "other"


def test_a_service_keeps_its_address_and_node_ports() -> None:
    old = service(
        type="NodePort",
        clusterIP="10.96.0.9",
        clusterIPs=["10.96.0.9"],
        ports=[{"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30002}],
    )
    new = service(type="NodePort", ports=[{"port": 81}, {"port": 82}, {"port": 80, "protocol": "UDP"}])
    inherit_from(new, old)
    assert new.spec.clusterIP == "10.96.0.9"
    assert [port.nodePort for port in new.spec.ports] == [30002, 0, 0]


def test_a_node_port_that_another_port_took_over_is_not_kept() -> None:
    old = service(type="NodePort", ports=[{"port": 80, "nodePort": 30001}])
    new = service(type="NodePort", ports=[{"port": 80}, {"port": 81, "nodePort": 30001}])
    inherit_from(new, old)
    assert [port.nodePort for port in new.spec.ports] == [0, 30001]


def test_a_service_that_is_no_longer_on_nodes_lets_its_node_ports_go() -> None:
    old = service(type="NodePort", ports=[{"port": 80, "nodePort": 30001}])
    old.spec.externalTrafficPolicy = "Cluster"
    new = service_pb2.Service()
    new.CopyFrom(old)
    new.spec.type = "ClusterIP"
    inherit_from(new, old)
    assert (new.spec.ports[0].nodePort, new.spec.externalTrafficPolicy) == (0, "")


def test_a_load_balancer_that_becomes_a_node_ports_service_keeps_its_node_ports() -> None:
    old = service(type="LoadBalancer", ports=[{"port": 80, "nodePort": 30001}], allocateLoadBalancerNodePorts=True)
    new = service(type="NodePort", ports=[{"port": 80}], allocateLoadBalancerNodePorts=True)
    inherit_from(new, old)
    assert (new.spec.ports[0].nodePort, new.spec.HasField("allocateLoadBalancerNodePorts")) == (30001, False)
