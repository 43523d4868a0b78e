"""Prepares the devices of pods before their sandboxes are made.

No driver can register with this kubelet: a pod that was given a device waits, and its Event says for which driver.
"""

from __future__ import annotations

from node.kubelet.dynamicresources import pod_claims
from node.kubelet.dynamicresources.pod_claims import PreparationError
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2


class DynamicResources:
    """Of one node."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def prepare(self, pod: pod_pb2.Pod) -> None:
        """Returns when all that the pod claims can be used. Raises PreparationError, and ApiError."""
        if not pod.spec.resourceClaims and not pod.status.HasField("extendedResourceClaimStatus"):
            return
        for claim in await pod_claims.read(self._client, pod):
            for driver in pod_claims.drivers(claim):
                raise PreparationError(f"DRA driver {driver} is not registered")
