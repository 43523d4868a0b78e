"""Whether the server behind an APIService can be reached, in Kubernetes' words. Pure.

Source: https://github.com/kubernetes/kube-aggregator/tree/master/pkg/controllers/status
"""

from __future__ import annotations

from collections.abc import Sequence

from podlab.apiregistration.v1.apiservice_pb2 import APIServiceCondition, ServiceReference
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.kinds.apiregistration.apiservice import AVAILABLE
from podlab.meta.v1 import meta_pb2

_CLUSTER_IP = "ClusterIP"


def local(now: meta_pb2.Time) -> APIServiceCondition:
    """Of what this server answers itself."""
    return _said("True", "Local", "Local APIServices are always available", now)


def passed(now: meta_pb2.Time) -> APIServiceCondition:
    """The server answers."""
    return _said("True", "Passed", "all checks passed", now)


def failed(why: str, now: meta_pb2.Time) -> APIServiceCondition:
    """The server does not answer what it has to."""
    return _said("False", "FailedDiscoveryCheck", why, now)


def unreachable(
    reference: ServiceReference, service: Service | None, slices: Sequence[EndpointSlice], now: meta_pb2.Time
) -> APIServiceCondition | None:
    """What shows without asking the server that it cannot answer; None when there is nothing."""
    at = f'service/{reference.name} in "{reference.namespace}"'
    if service is None:
        return _said("False", "ServiceNotFound", f"{at} is not present", now)
    if service.spec.type not in ("", _CLUSTER_IP):
        return None
    port = next((one for one in service.spec.ports if one.port == reference.port), None)
    if port is None:
        return _said("False", "ServicePortError", f"{at} is not listening on port {reference.port}", now)
    if not slices:
        return _said("False", "EndpointsNotFound", f"cannot find endpointslices for {at}", now)
    if not any(_is_ready(one, port.name) for one in slices):
        told = f'endpointslices for {at} have no addresses with port name "{port.name}"'
        return _said("False", "MissingEndpoints", told, now)
    return None


def _is_ready(slice_: EndpointSlice, port_name: str) -> bool:
    """Whether it has an endpoint that is ready, and the port."""
    ready = any(not one.conditions.HasField("ready") or one.conditions.ready for one in slice_.endpoints)
    return ready and any(one.name == port_name and one.port for one in slice_.ports)


def _said(status: str, reason: str, message: str, now: meta_pb2.Time) -> APIServiceCondition:
    return APIServiceCondition(type=AVAILABLE, status=status, reason=reason, message=message, lastTransitionTime=now)
