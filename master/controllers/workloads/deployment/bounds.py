"""How many pods a rolling update may have too many, and too few."""

from __future__ import annotations

from math import ceil, floor

from master.controllers.objects.intorpercent import scaled_value
from podlab.apps.v1 import deployment_pb2


def is_rolling(deployment: deployment_pb2.Deployment) -> bool:
    return deployment.spec.strategy.type != "Recreate"


def max_surge(deployment: deployment_pb2.Deployment) -> int:
    """Pods above spec.replicas."""
    return _resolve(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: deployment_pb2.Deployment) -> int:
    """Available pods below spec.replicas; never more than there are."""
    if not is_rolling(deployment) or deployment.spec.replicas == 0:
        return 0
    return min(_resolve(deployment)[1], deployment.spec.replicas)


def _resolve(deployment: deployment_pb2.Deployment) -> tuple[int, int]:
    """Surge is rounded up and unavailability down; where both come to nothing, one pod may be missing."""
    rolling, replicas = deployment.spec.strategy.rollingUpdate, deployment.spec.replicas
    surge = ceil(scaled_value(rolling.maxSurge, replicas))
    unavailable = floor(scaled_value(rolling.maxUnavailable, replicas))
    return (surge, unavailable) if surge or unavailable else (0, 1)
