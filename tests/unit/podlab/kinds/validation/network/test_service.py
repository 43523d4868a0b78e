from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing.builtin_kinds import validate_status_update

from podlab.core.v1 import service_pb2

Found = Callable[..., list[str]]


def service(**spec: Any) -> service_pb2.Service:
    made = service_pb2.Service()
    made.metadata.name, made.metadata.namespace = "web", "default"
    made.spec.CopyFrom(service_pb2.ServiceSpec(**{"ports": [{"port": 80}], **spec}))
    return made


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"clusterIP": "10.96.0.7", "selector": {"app": "web"}},
        {"clusterIP": "None", "ports": []},
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
        {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}], "externalTrafficPolicy": "Local"},
        {"ports": [{"name": "tcp", "port": 53}, {"name": "udp", "port": 53, "protocol": "UDP"}]},
        {"ports": [{"port": 80, "targetPort": {"type": 1, "strVal": "http"}}]},
        {"sessionAffinity": "ClientIP"},
        {"trafficDistribution": "PreferClose"},
        {"type": "ExternalName", "externalName": "db.example.", "ports": []},
        {"trafficDistribution": "PreferSameNode"},
        {"externalIPs": ["203.0.113.9"], "externalTrafficPolicy": "Local"},
        {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "loadBalancerSourceRanges": ["10.0.0.0/8"]},
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30100},
    ],
)
def test_services_of_all_sorts_are_fine(found: Found, spec: dict[str, Any]) -> None:
    assert found(service(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"ports": []}, "spec.ports: Required value"),
        ({"ports": [{"port": 70000}]}, "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535"),
        (
            {"ports": [{"port": 80, "targetPort": {"intVal": -1}}]},
            "spec.ports[0].targetPort: Invalid value: -1: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"port": 80, "targetPort": {"type": 1, "strVal": "No_Port"}}]},
            'spec.ports[0].targetPort: Invalid value: "No_Port": must contain only alpha-numeric characters',
        ),
        ({"ports": [{"port": 80, "protocol": "HTTP"}]}, 'spec.ports[0].protocol: Unsupported value: "HTTP"'),
        ({"ports": [{"name": "a", "port": 1}, {"port": 2}]}, "spec.ports[1].name: Required value"),
        (
            {"ports": [{"name": "a", "port": 1}, {"name": "a", "port": 2}]},
            'spec.ports[1].name: Duplicate value: "a"',
        ),
        (
            {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 1}]},
            'spec.ports[1]: Duplicate value: "TCP/1"',
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            "provided port is not in the valid range. The range of valid ports is 30000-32767",
        ),
        ({"ports": [{"port": 80, "nodePort": 30080}]}, "spec.ports[0].nodePort: Forbidden: may not be used when"),
        (
            {"type": "Internal"},
            'spec.type: Unsupported value: "Internal": supported values: "ClusterIP", "ExternalName", "LoadBalancer"',
        ),
        ({"type": "ExternalName"}, "spec.externalName: Required value"),
        ({"type": "ExternalName", "externalName": "."}, "spec.externalName: Required value"),
        (
            {"type": "ExternalName", "externalName": "a_b.example"},
            'spec.externalName: Invalid value: "a_b.example": a lowercase RFC 1123 subdomain must consist of',
        ),
        ({"type": "ExternalName", "externalName": "a." * 126 + "ab"}, 'ab": must be no more than 253 characters'),
        (
            {"type": "ExternalName", "externalName": "a.example", "clusterIP": "10.96.0.7"},
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
        ),
        (
            {"type": "ExternalName", "externalName": "a.example", "ipFamilies": ["IPv4"]},
            "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
        ),
        (
            {"type": "ExternalName", "externalName": "a.example", "ipFamilyPolicy": "SingleStack"},
            "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
        ),
        ({"clusterIP": "None", "type": "LoadBalancer"}, "may not be set to 'None' for LoadBalancer services"),
        (
            {"externalIPs": ["127.0.0.1"], "externalTrafficPolicy": "Cluster"},
            'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range',
        ),
        (
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
            "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.300/8"], "externalTrafficPolicy": "Cluster"},
            'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.300/8": must be a valid CIDR value',
        ),
        (
            {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "healthCheckNodePort": 30100},
            "spec.healthCheckNodePort: Invalid value: 30100: may only be set when `type` is 'LoadBalancer' and",
        ),
        (
            {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 80},
            "spec.healthCheckNodePort: Invalid value: 80: provided port is not in the valid range",
        ),
        ({"loadBalancerClass": "a.example/b"}, "spec.loadBalancerClass: Forbidden: may only be used when"),
        (
            {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "loadBalancerClass": "a b"},
            'spec.loadBalancerClass: Invalid value: "a b": name part must consist of',
        ),
        (
            {"allocateLoadBalancerNodePorts": True},
            "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when",
        ),
        ({"clusterIP": "10.96.0"}, 'spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address'),
        ({"clusterIP": "None", "type": "NodePort"}, 'spec.clusterIP: Invalid value: "None": may not be set to'),
        ({"trafficDistribution": "Far"}, 'spec.trafficDistribution: Unsupported value: "Far"'),
        ({"sessionAffinity": "Cookie"}, 'spec.sessionAffinity: Unsupported value: "Cookie"'),
        ({"ipFamilies": ["IPv5"]}, 'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'),
        ({"ipFamilies": ["IPv6", "IPv6"]}, 'spec.ipFamilies[1]: Duplicate value: "IPv6"'),
        ({"ipFamilyPolicy": "Dual"}, 'spec.ipFamilyPolicy: Unsupported value: "Dual": supported values: "PreferDual'),
        ({"clusterIPs": ["10.96.0.7"]}, 'spec.clusterIPs: Invalid value: ["10.96.0.7"]: must be empty when `cluster'),
        ({"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.8"]}, "first value must match `clusterIP`"),
        (
            {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "10.96.0.8"]},
            "may specify no more than one IP for each IP family",
        ),
        ({"clusterIP": "None", "clusterIPs": ["None", "10.96.0.8"]}, "'None' must be the first and only value"),
        (
            {"clusterIP": "10.96.0.7", "ipFamilies": ["IPv6"]},
            'spec.clusterIPs[0]: Invalid value: "10.96.0.7": expected an IPv6 value as indicated by `ipFamilies[0]`',
        ),
        ({"externalTrafficPolicy": "Local"}, 'spec.externalTrafficPolicy: Invalid value: "Local": may only be set'),
        ({"selector": {"a b": "c"}}, 'spec.selector: Invalid value: "a b": name part must consist of'),
    ],
)
def test_a_bad_service_is_told_by_path_and_rule(found: Found, spec: dict[str, Any], told: str) -> None:
    assert told in found(service(**spec))[0]


def test_a_services_name_is_a_label_that_starts_with_a_letter(found: Found) -> None:
    bad = service()
    bad.metadata.name = "1web"
    assert found(bad)[0].startswith('metadata.name: Invalid value: "1web": a DNS-1035 label must consist of')


def test_an_address_stays_with_its_service(found: Found) -> None:
    assert found(service(clusterIP="10.96.0.8"), service(clusterIP="10.96.0.7")) == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'
    ]


def test_an_address_may_come_and_go_with_the_type(found: Found) -> None:
    named = service(type="ExternalName", externalName="db.example")
    assert found(named, service(clusterIP="10.96.0.7")) == []
    assert found(service(clusterIP="10.96.0.7"), named) == []


def balanced(*points: dict[str, Any], kind: str = "LoadBalancer") -> service_pb2.Service:
    """A Service with these points in its status."""
    made = service(type=kind, externalTrafficPolicy="Cluster")
    made.status.loadBalancer.ingress.extend(service_pb2.LoadBalancerIngress(**point) for point in points)
    return made


def test_a_load_balancers_class_stays(found: Found) -> None:
    old, new = (service(type="LoadBalancer", externalTrafficPolicy="Cluster", loadBalancerClass=name) for name in "ab")
    assert found(new, old) == ['spec.loadBalancerClass: Invalid value: "b": may not change once set']
    assert found(old, old) == []


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (balanced(), []),
        (balanced({"ip": "192.0.2.1", "ipMode": "VIP"}, {"ip": "2001:db8::1", "ipMode": "Proxy"}), []),
        (balanced({"hostname": "a.example"}), []),
        (balanced({"ip": "192.0.2", "ipMode": "VIP"}), ['ingress[0].ip: Invalid value: "192.0.2": must be a valid IP']),
        (balanced({"ip": "192.0.2.1"}), ["ingress[0].ipMode: Required value: valid values are"]),
        (balanced({"ip": "192.0.2.1", "ipMode": "NAT"}), ['ingress[0].ipMode: Unsupported value: "NAT"']),
        (balanced({"ipMode": "VIP"}), ["ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"]),
        (balanced({"hostname": "192.0.2.1"}), ['ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name']),
        (balanced({"hostname": "a b"}), ['ingress[0].hostname: Invalid value: "a b": a lowercase RFC 1123']),
        (
            balanced({"hostname": "a.example"}, kind="NodePort"),
            ["ingress: Forbidden: may only be used when `spec.type`"],
        ),
    ],
)
def test_a_load_balancers_points_are_addresses_or_names(made: service_pb2.Service, told: list[str]) -> None:
    causes = [str(cause) for cause in validate_status_update(made, made)]
    assert len(causes) == len(told)
    assert all(cause.startswith(f"status.loadBalancer.{text}") for cause, text in zip(causes, told, strict=True))
