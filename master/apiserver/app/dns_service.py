"""The Service by whose address pods ask for names: `kube-dns`, as every cluster has it. Pure.

Each node answers at this address itself (node/dns/), so no packet for it is ever sent elsewhere. The EndpointSlice
holds the same address, for those who look who is behind the Service.
"""

from __future__ import annotations

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.values.ipfamilies import family_of
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointConditions, EndpointSlice
from podlab.meta.v1.meta_pb2 import IntOrString, ObjectMeta

ADDRESS = 10
"""Which of the Services' network's addresses it has."""

NAMESPACE, NAME = "kube-system", "kube-dns"
_PORTS = (("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", 9153))


def service(address: str) -> Service:
    """The Service. It selects no pods."""
    made = Service(metadata=ObjectMeta(namespace=NAMESPACE, name=NAME))
    made.metadata.labels.update({"k8s-app": NAME, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "DNS"})
    made.spec.clusterIP = address
    for name, protocol, number in _PORTS:
        made.spec.ports.add(name=name, protocol=protocol, port=number, targetPort=IntOrString(intVal=number))
    return made


def endpoint_slice(address: str) -> EndpointSlice:
    """What is behind it."""
    made = EndpointSlice(metadata=ObjectMeta(namespace=NAMESPACE, name=NAME), addressType=family_of(address))
    made.metadata.labels[SERVICE_NAME_LABEL] = NAME
    made.endpoints.add(addresses=[address], conditions=EndpointConditions(ready=True))
    for name, protocol, number in _PORTS:
        made.ports.add(name=name, protocol=protocol, port=number)
    return made
