"""What the proxy keeps of Services and EndpointSlices: with ten thousand of them that is most of its memory. Pure."""

from __future__ import annotations

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta


def service(whole: Service) -> Service:
    """Name, addresses, ports and policies; the uid of those that Events are told of."""
    kept = Service(spec=whole.spec, status=whole.status, metadata=_name(whole.metadata))
    if whole.spec.type == "LoadBalancer":
        kept.metadata.uid = whole.metadata.uid
    kept.spec.ClearField("selector")
    if len(kept.spec.clusterIPs) < 2:
        kept.spec.ClearField("clusterIPs")  # the only one is said once more
    kept.spec.ClearField("ipFamilies")
    kept.spec.ClearField("ipFamilyPolicy")
    for port in kept.spec.ports:
        port.ClearField("targetPort")
    return Service.FromString(kept.SerializeToString())  # in one piece, which takes less memory


def endpoint_slice(whole: EndpointSlice) -> EndpointSlice:
    """Name, ports and endpoints. `service_name` tells whose it is."""
    kept = EndpointSlice(metadata=_name(whole.metadata), addressType=whole.addressType, ports=whole.ports)
    # Not in the label that it came in: a map takes ten times what the name does.
    kept.metadata.generateName = whole.metadata.labels.get(SERVICE_NAME_LABEL, "")
    for each in whole.endpoints:
        endpoint = kept.endpoints.add(addresses=each.addresses, conditions=each.conditions, nodeName=each.nodeName)
        if each.HasField("hints"):
            endpoint.hints.CopyFrom(each.hints)
    return EndpointSlice.FromString(kept.SerializeToString())


def service_name(kept: EndpointSlice) -> str:
    """Of the Service whose endpoints these are; empty when they are none's."""
    return kept.metadata.generateName


def _name(meta: ObjectMeta) -> ObjectMeta:
    return ObjectMeta(name=meta.name, namespace=meta.namespace, resourceVersion=meta.resourceVersion)
