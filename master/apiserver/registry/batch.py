"""Writes many objects that come in one request, each as if it had come alone: the store commits them together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.admission.admit import Admit
from master.apiserver.registry import eviction
from master.apiserver.registry.registry import Registry
from master.store.contract import Delete, Put
from podlab.api import times
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

BY_SCHEDULER = "PreemptionByScheduler"
Refusals = Sequence[ApiError | None]
"""For each, in order, None or why it failed."""


@dataclass(frozen=True, slots=True)
class Several:
    """Answers UpdateStatuses and Preempt."""

    registry: Registry
    clock: Callable[[], meta_pb2.Time] = times.now

    async def update_statuses(self, messages: Sequence[Message], admit: Admit) -> Refusals:
        """Replaces the status of each."""
        return await _each(self.registry.update_status(message, admit=admit) for message in messages)

    async def preempt(self, victims: Sequence[apiserver_pb2.Victim], admit: Admit) -> Refusals:
        """Deletes each, which says why it goes. One that is going already has its reason."""
        return await _each(self._preempt(victim, admit) for victim in victims)

    async def _preempt(self, victim: apiserver_pb2.Victim, admit: Admit) -> None:
        def told(pod: Message, going: Message) -> list[Put | Delete]:
            assert isinstance(pod, pod_pb2.Pod)
            assert isinstance(going, pod_pb2.Pod)
            if not pod.metadata.HasField("deletionTimestamp"):
                eviction.mark(going, BY_SCHEDULER, victim.message, self.clock())
            return []

        request = apiserver_pb2.DeleteRequest(kind="Pod", namespace=victim.namespace, name=victim.name, uid=victim.uid)
        await self.registry.delete(request, admit=admit, alongside=told)


async def _each(writes: Iterable[Awaitable[object]]) -> Refusals:
    """Raises what is no refusal once all are done."""
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ApiError):
            raise outcome
    return [outcome if isinstance(outcome, ApiError) else None for outcome in outcomes]
