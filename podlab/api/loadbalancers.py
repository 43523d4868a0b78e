"""Which Services Podlab's own load balancer serves, and where. Pure.

https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
"""

from __future__ import annotations

from typing import Final

from podlab.core.v1.service_pb2 import Service, ServiceSpec

ARP_CLASS: Final = "podlab.io/arp"
"""The `loadBalancerClass` of it, which those without a class get too. Names without a domain are the users'."""
ASKED_ADDRESS: Final = "podlab.io/load-balancer-ip"
"""Annotation: the address that is asked for. `spec.loadBalancerIP` does so too, but is deprecated."""
FROM_POOL: Final = "podlab.io/ip-allocated-from-pool"
"""Annotation: the entry of the pool that the Service's address is of. Only those that have it hold one of ours."""
CLEANUP_FINALIZER: Final = "service.kubernetes.io/load-balancer-cleanup"
EXCLUDED_NODE: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Label: nodes that have it, whatever its value, answer for no address."""
VIP, PROXY = "VIP", "Proxy"
LEASES: Final = "podlab-load-balancers"
"""Namespace of the Leases that say which node answers for which address: one for each address, of its name."""


def is_ours(spec: ServiceSpec) -> bool:
    """Whether our load balancer is to serve the Service."""
    return spec.type == "LoadBalancer" and spec.loadBalancerClass in ("", ARP_CLASS)


def addresses(service: Service) -> list[str]:
    """Those that the status says nodes answer for, in order. One that is a proxy sends to nodes' or pods' own."""
    if service.spec.type != "LoadBalancer":
        return []
    points = service.status.loadBalancer.ingress
    return sorted({point.ip for point in points if point.ip and point.ipMode != PROXY})
