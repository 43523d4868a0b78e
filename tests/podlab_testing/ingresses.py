"""Ingresses and what they stand on, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta, Time
from podlab.networking.v1.ingress_pb2 import HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule

NAMESPACE = "shop"

Paths = Sequence[tuple[str, str, str]]
"""Path, its type, and the Service."""


def to(service: str, port: int | str = 80) -> IngressBackend:
    made = IngressBackend()
    made.service.name = service
    if isinstance(port, int):
        made.service.port.number = port
    else:
        made.service.port.name = port
    return made


def ingress(
    name: str,
    rules: Mapping[str, Paths] | None = None,
    *,
    default: str = "",
    tls: Mapping[str, Sequence[str]] | None = None,
    made_s: int = 1,
    class_name: str = "podlab",
) -> Ingress:
    """`rules` are by host, `tls` has hosts by Secret; `made_s` is when."""
    made = Ingress(metadata=ObjectMeta(namespace=NAMESPACE, name=name, creationTimestamp=Time(seconds=made_s)))
    made.spec.ingressClassName = class_name
    for host, paths in (rules or {}).items():
        rule = IngressRule(host=host)
        rule.ingressRuleValue.http.paths.extend(
            HTTPIngressPath(path=path, pathType=kind, backend=to(service)) for path, kind, service in paths
        )
        made.spec.rules.append(rule)
    if default:
        made.spec.defaultBackend.CopyFrom(to(default))
    for secret, hosts in (tls or {}).items():
        made.spec.tls.add(secretName=secret, hosts=hosts)
    return made


def ingress_class(name: str = "podlab", controller: str = "podlab.io/ingress") -> IngressClass:
    made = IngressClass(metadata=ObjectMeta(name=name))
    made.spec.controller = controller
    return made


def service(name: str, **port: object) -> Service:
    """With the port `http`, 80."""
    made = Service(metadata=ObjectMeta(namespace=NAMESPACE, name=name))
    made.spec.ports.add(**{"name": "http", "port": 80, "protocol": "TCP", **port})
    return made


def endpoint(address: str, **conditions: bool) -> Endpoint:
    return Endpoint(addresses=[address], conditions=EndpointConditions(**conditions))


def slice_of(name: str, port: int, *endpoints: Endpoint, family: str = "IPv4") -> EndpointSlice:
    """Of the Service of that name."""
    return EndpointSlice(
        metadata=ObjectMeta(namespace=NAMESPACE, name=f"{name}-1", labels={"kubernetes.io/service-name": name}),
        addressType=family,
        ports=[EndpointPort(name="http", protocol="TCP", port=port)],
        endpoints=endpoints,
    )
