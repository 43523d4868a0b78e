"""The Scheduler gRPC service: why a pod is where it is, or why it is nowhere."""

from __future__ import annotations

from typing import Any

import grpc

from master.scheduler.decisions import Decisions
from podlab.api.objects import Key
from podlab.errors import NotFound, abort
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc


class SchedulerServicer(scheduler_pb2_grpc.SchedulerServicer):
    """Serves `podlab.v1.Scheduler` from what the scheduler remembers."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def Explain(  # noqa: N802 - gRPC's name
        self, request: scheduler_pb2.ExplainRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> scheduler_pb2.ExplainResponse:
        found = self._decisions.explain(Key("Pod", request.namespace, request.name))
        if found is None:
            why = "the scheduler has not judged it since it started, or the pod named its node itself"
            await abort(context, NotFound(f'no decision about pod "{request.namespace}/{request.name}": {why}'))
        return found
