"""How controllers end pods whose place is no longer good for them."""

from __future__ import annotations

import time

from master.controllers.objects.podconditions import DISRUPTION_TARGET, set_condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2


async def delete_disrupted(client: Client, pod: pod_pb2.Pod, *, reason: str, message: str) -> None:
    """Writes condition DisruptionTarget, which says to the pod's owner why it goes, and deletes the pod.

    Raises ApiError, NotFound among them when it is gone already (KEP-3329).
    """
    changed = pod_pb2.Pod()
    changed.CopyFrom(pod)
    set_condition(changed.status, DISRUPTION_TARGET, "True", reason=reason, message=message, now=time.time())
    if changed.status != pod.status:
        await client.update_status(changed)
    await client.delete(pod_pb2.Pod, pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
