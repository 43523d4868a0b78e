"""The gRPC service Scheduler: why a pod is on its node, or on none."""

from __future__ import annotations

from collections.abc import Callable

from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.explanation import explanation
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, ServicerContext, abort
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc


class SchedulerServicer(scheduler_pb2_grpc.SchedulerServicer):
    """Serves `podlab.v1.Scheduler`: `explain` is for existing pods, `foresee` for others."""

    def __init__(self, explain: Callable[[Key, bool], Decision], foresee: Callable[[Pod], Decision]) -> None:
        self._explain = explain
        self._foresee = foresee

    async def Explain(  # noqa: N802 - gRPC's name
        self, request: scheduler_pb2.ExplainRequest, context: ServicerContext
    ) -> scheduler_pb2.ExplainResponse:
        try:
            decision = self._explain(Key(GroupKind("", "Pod"), request.namespace, request.name), request.now)
        except ApiError as error:
            await abort(context, error)
        return scheduler_pb2.ExplainResponse(explanation=explanation(decision))

    async def Foresee(  # noqa: N802 - gRPC's name
        self, request: scheduler_pb2.ForeseeRequest, context: ServicerContext
    ) -> scheduler_pb2.ForeseeResponse:
        try:
            decision = self._foresee(request.pod)
        except ApiError as error:
            await abort(context, error)
        return scheduler_pb2.ForeseeResponse(explanation=explanation(decision))
