"""postStart and preStop hooks (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)."""

from __future__ import annotations

import asyncio

from node.kubelet import reach
from node.kubelet.reach import Answer, Place
from node.kubelet.runtime import Runtime
from podlab.core.v1 import pod_pb2


async def run_hook(runtime: Runtime, place: Place, handler: pod_pb2.LifecycleHandler, timeout_s: int) -> Answer:
    """Runs it to its end, which is good when it succeeded in time."""
    if handler.HasField("exec"):
        return await reach.command(runtime, place, handler.exec, timeout_s)
    if handler.HasField("httpGet"):
        return await reach.http_get(place, handler.httpGet, timeout_s)
    if handler.HasField("sleep"):
        await asyncio.sleep(min(handler.sleep.seconds, timeout_s))
        return Answer(True)
    return await reach.tcp(place, handler.tcpSocket, timeout_s)
