"""A pod's quality of service: what it may count on when its node runs short.

https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_JUDGED = ("cpu", "memory")


def qos_class(spec: pod_pb2.PodSpec) -> str:
    """Guaranteed: every container limits cpu and memory, and requests just that. BestEffort: none asks for anything.
    Where the pod asks as a whole, that alone counts.

    A limit without a request is a request of the same size.
    """
    guaranteed, asked = True, False
    each_for_itself = [container.resources for container in (*spec.initContainers, *spec.containers)]
    for resources in [spec.resources] if podresources.has_own(spec) else each_for_itself:
        for resource in _JUDGED:
            limit = _amount(resources.limits, resource)
            request = _amount(resources.requests, resource) or limit
            asked = asked or bool(request)
            guaranteed = guaranteed and bool(limit) and request == limit
    if not asked:
        return BEST_EFFORT
    return GUARANTEED if guaranteed else BURSTABLE


def _amount(resources: Mapping[str, meta_pb2.Quantity], name: str) -> Fraction:
    """Zero also for what is no quantity: validation refuses that."""
    if name not in resources:
        return Fraction(0)
    try:
        return quantity.parse(resources[name])
    except ValueError:
        return Fraction(0)
