"""The gRPC service Timeline: asks all components that have to do with a pod what they remember of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from master.apiserver.authorization import Attributes
from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.duplex import told
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.filters.handler_chain import HandlerChain
from master.apiserver.request.info import Exchange
from master.apiserver.rpc import pod_way, request_info
from master.apiserver.rpc.errors import abort_on_error, parse_request
from master.apiserver.rpc.pod_way import Asked
from master.apiserver.rpc.request_info import Aim
from master.apiserver.watchcache.cache import Cache
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, ServicerContext
from podlab.spans import service
from podlab.spans.spans import Spans
from podlab.spans.way import ENDPOINTS
from podlab.v1 import timeline_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["Timeline"].full_name
METHOD = f"/{SERVICE}/PodTimeline"
ANSWER_S = 3.0
"""A component that takes longer is named as one that does not answer."""
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class _Question:
    """About one pod, whose uid is the first key. `later` are the Services that it has not waited for; `static` is by
    which the kubelet remembers it, if by another."""

    owners: Sequence[pb.TimelineOwner]
    keys: Sequence[str]
    components: Sequence[Asked]
    later: frozenset[str]
    static: str = ""

    def concerns(self, span: pb.Span) -> bool:
        """Whether it is of the pod's way."""
        return span.key in self.keys and not (span.name == ENDPOINTS and span.detail in self.later)


@dataclass(frozen=True, slots=True)
class Timelines:
    """`scheduler` and `controllers` are where these are if no Lease says it; `spans` what this server remembers."""

    chain: HandlerChain
    cache: Cache
    dialer: Dialer
    spans: Spans
    scheduler: str
    controllers: str
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            parse_request(pb.PodTimelineRequest, abort_on_error(self._answer))
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"PodTimeline": method})

    async def _answer(self, request: pb.PodTimelineRequest, context: ServicerContext) -> bytes:
        async def handle(exchange: Exchange) -> bytes:
            await self.cache.reach(exchange.moment)
            return (await self.pod(request.namespace, request.name)).SerializeToString()

        return await self.chain.run(request_info.asked(context, _about, METHOD, request, long_running=True), handle)

    async def pod(self, namespace: str, name: str) -> pb.PodTimelineResponse:
        """What all remember of the pod. Raises NotFound."""
        (answer,) = await self.pods([pod_way.found(self.cache, namespace, name)])
        return answer

    async def pods(self, pods: Sequence[Pod]) -> list[pb.PodTimelineResponse]:
        """The same of several pods, in order. Each component is asked once for all of them."""
        questions = [self._question(pod) for pod in pods]
        wanted = {each: None for question in questions for each in question.components}
        keys = [*dict.fromkeys(key for question in questions for key in question.keys)]
        told = await asyncio.gather(*(self._asked(each, keys) for each in wanted))
        by_component = dict(zip(wanted, told, strict=True))
        return [self._answered(question, by_component) for question in questions]

    def _question(self, pod: Pod) -> _Question:
        owners = list(pod_way.owners(self.cache, pod))
        later, static = pod_way.later_services(self.cache, pod), pod_way.static_uid(pod)
        keys = (pod.metadata.uid, *(each.uid for each in owners), *pod_way.endpoints(self.cache, pod, later))
        if static:
            keys = (*keys, static)
        return _Question(owners, keys, pod_way.asked(self.cache, pod, self.scheduler, self.controllers), later, static)

    def _answered(self, question: _Question, told: Mapping[Asked, pb.ComponentSpans]) -> pb.PodTimelineResponse:
        own = service.response(self.spans, question.keys)
        made = pb.PodTimelineResponse(uid=question.keys[0], owners=question.owners)
        made.components.add(component="apiserver", spans=own.spans, since_ns=own.since_ns)
        for each in question.components:
            one = made.components.add()
            one.CopyFrom(told[each])
            del one.spans[:]
            one.spans.extend(span for span in told[each].spans if question.concerns(span))
            for span in one.spans:
                if span.key == question.static:
                    span.key = made.uid
        return made

    async def _asked(self, asked: Asked, keys: list[str]) -> pb.ComponentSpans:
        made = pb.ComponentSpans(component=asked.component, node=asked.node, error=asked.error)
        if asked.target is None:
            return made
        try:
            async with self._turns, asyncio.timeout(ANSWER_S):
                await self._take(asked.target, keys, made)
        except ApiError as error:
            made.error = error.message
        except TimeoutError:
            made.error = f"{asked.target} does not answer within {ANSWER_S:.0f} s"
        except (OSError, ValueError) as error:  # this server's own certificates cannot be read
            made.error = str(error)
        return made

    async def _take(self, target: Target, keys: list[str], made: pb.ComponentSpans) -> None:
        """Clocks are compared as NTP does: the component looked at its own in the middle of the call, or at most half
        of the call's time before or after."""
        channel = await self.dialer.dial(target)
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{service.SERVICE}/ListSpans")
        request = pb.ListSpansRequest(keys=keys).SerializeToString()
        began_ns = time.time_ns()
        try:
            answer = pb.ListSpansResponse.FromString(await call(request))
        except grpc.aio.AioRpcError as error:
            raise told(error, target) from error
        half_ns = (time.time_ns() - began_ns) // 2
        made.spans.extend(answer.spans)
        made.since_ns = answer.since_ns
        made.skew_ns, made.skew_error_ns = answer.now_ns - began_ns - half_ns, half_ns


def _about(request: pb.PodTimelineRequest) -> Aim:
    return Aim((Attributes("get", "", "pods", request.namespace, request.name),))
