from typing import Any

from podlab_testing.builtin_kinds import apply_defaults

from podlab.core.v1 import service_pb2
from podlab.kinds.defaults.service import keep_allocated, set_status_defaults
from podlab.meta.v1.meta_pb2 import Time


def defaulted(**spec: Any) -> service_pb2.ServiceSpec:
    service = service_pb2.Service(spec=service_pb2.ServiceSpec(**spec))
    apply_defaults(service)
    return service.spec


def test_a_plain_service_gets_what_kubernetes_documents() -> None:
    spec = defaulted(ports=[{"port": 80}])
    assert (spec.type, spec.sessionAffinity, spec.internalTrafficPolicy) == ("ClusterIP", "None", "Cluster")
    assert (spec.ipFamilyPolicy, list(spec.ipFamilies), spec.externalTrafficPolicy) == ("", [], "")
    assert (spec.ports[0].protocol, spec.ports[0].targetPort.intVal) == ("TCP", 80)


def test_a_target_port_that_was_said_stays() -> None:
    ports = [{"port": 80, "targetPort": {"intVal": 8080}}, {"port": 81, "targetPort": {"type": 1, "strVal": "web"}}]
    spec = defaulted(ports=ports)
    assert spec.ports[0].targetPort.intVal == 8080
    assert spec.ports[1].targetPort.strVal == "web"


def test_a_node_port_service_answers_on_every_node() -> None:
    assert defaulted(type="NodePort").externalTrafficPolicy == "Cluster"


def test_a_service_at_external_addresses_answers_on_every_node() -> None:
    assert defaulted(externalIPs=["203.0.113.9"]).externalTrafficPolicy == "Cluster"


def test_a_load_balancers_ports_get_node_ports_unless_it_says_no() -> None:
    spec = defaulted(type="LoadBalancer")
    assert (spec.externalTrafficPolicy, spec.allocateLoadBalancerNodePorts) == ("Cluster", True)
    assert not defaulted(type="LoadBalancer", allocateLoadBalancerNodePorts=False).allocateLoadBalancerNodePorts


def test_what_is_sent_to_a_load_balancers_address_reaches_nodes_as_it_is() -> None:
    points = [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2", "ipMode": "Proxy"}, {"hostname": "a.example"}]
    made = service_pb2.Service(spec={"type": "LoadBalancer"}, status={"loadBalancer": {"ingress": points}})
    set_status_defaults(made, made, Time())
    assert [point.ipMode for point in made.status.loadBalancer.ingress] == ["VIP", "Proxy", ""]


def test_affinity_to_a_client_lasts_three_hours() -> None:
    assert defaulted(sessionAffinity="ClientIP").sessionAffinityConfig.clientIP.timeoutSeconds == 10_800


def test_an_address_stands_in_both_fields() -> None:
    assert list(defaulted(clusterIP="10.96.0.9").clusterIPs) == ["10.96.0.9"]


def test_an_external_name_has_nothing_of_addresses() -> None:
    spec = defaulted(type="ExternalName", externalName="db.example")
    assert (spec.type, spec.sessionAffinity, spec.HasField("internalTrafficPolicy")) == ("ExternalName", "None", False)
    assert (spec.HasField("ipFamilyPolicy"), list(spec.ipFamilies)) == (False, [])


def test_a_service_that_becomes_an_external_name_lets_go_of_its_address() -> None:
    before = service_pb2.Service(spec=defaulted(clusterIP="10.96.0.9"))
    now = service_pb2.Service(spec=defaulted(clusterIP="10.96.0.9"))
    now.spec.type, now.spec.externalName = "ExternalName", "db.example"
    keep_allocated(now, before)
    assert (now.spec.clusterIP, list(now.spec.clusterIPs), list(now.spec.ipFamilies)) == ("", [], [])


def test_a_service_that_was_an_external_name_forgets_the_name_unless_it_says_another() -> None:
    before = service_pb2.Service(spec={"type": "ExternalName", "externalName": "db.example"})
    now = service_pb2.Service(spec={"type": "ClusterIP", "externalName": "db.example"})
    keep_allocated(now, before)
    assert now.spec.externalName == ""
