"""Defaults of Endpoints, ingress classes and network policies."""

from podlab.core.v1 import endpoints_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2

_PROTOCOL = "TCP"


def apply_to_endpoints(endpoints: endpoints_pb2.Endpoints) -> None:
    """TCP is meant."""
    for subset in endpoints.subsets:
        for port in subset.ports:
            port.protocol = port.protocol or _PROTOCOL


def apply_to_ingress_class(given: ingress_pb2.IngressClass) -> None:
    """Settings are an object of the cluster."""
    if given.spec.HasField("parameters") and not given.spec.parameters.HasField("scope"):
        given.spec.parameters.scope = "Cluster"


def apply_to_network_policy(policy: networkpolicy_pb2.NetworkPolicy) -> None:
    """A policy is always about what comes in, and about what goes out when it says anything about that."""
    spec = policy.spec
    if not spec.policyTypes:
        spec.policyTypes.extend(("Ingress", "Egress") if spec.egress else ("Ingress",))
    ports = [port for coming in spec.ingress for port in coming.ports]
    for port in (*ports, *(port for going in spec.egress for port in going.ports)):
        if not port.HasField("protocol"):
            port.protocol = _PROTOCOL
