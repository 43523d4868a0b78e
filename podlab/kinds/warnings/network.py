"""Of Services, Ingresses and NetworkPolicies."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface

from podlab.api.ingresses import CLASS_ANNOTATION
from podlab.core.v1 import service_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2

_HINTS, _MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def of_service(service: service_pb2.Service) -> Iterator[str]:
    """A Service's."""
    spec = service.spec
    if _HINTS in service.metadata.annotations:
        yield f"annotation {_HINTS} is deprecated, please use {_MODE} instead"
    if spec.type == "ClusterIP" and spec.clusterIP == "None" and spec.sessionAffinity == "ClientIP":
        yield "spec.SessionAffinity is ignored for headless services"
    if spec.trafficDistribution == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def of_ingress(ingress: ingress_pb2.Ingress) -> Iterator[str]:
    """An Ingress'; its class may be an annotation still."""
    if CLASS_ANNOTATION in ingress.metadata.annotations:
        yield f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"


def of_policy(policy: networkpolicy_pb2.NetworkPolicy) -> Iterator[str]:
    """A NetworkPolicy's: addresses beyond the prefix of a block say nothing."""
    for name, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(getattr(policy.spec, name)):
            for place, peer in enumerate(getattr(rule, peers)):
                where = f"spec.{name}[{index}].{peers}[{place}].ipBlock"
                yield from _of_block(f"{where}.cidr", peer.ipBlock.cidr)
                for number, cidr in enumerate(getattr(peer.ipBlock, "except")):
                    yield from _of_block(f"{where}.except[{number}]", cidr)


def _of_block(field: str, cidr: str) -> Iterator[str]:
    try:
        given = ip_interface(cidr)
    except ValueError:
        return  # validation has said so
    if given.ip != given.network.network_address:
        alone = f"{given.ip}/{given.max_prefixlen}"
        yield f'{field}: CIDR value "{cidr}" is ambiguous in this context (should be "{given.network}" or "{alone}"?)'
