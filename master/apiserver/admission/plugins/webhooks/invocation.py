"""One write before one webhook: whether it is asked, what it is sent, and what it says."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

from google.protobuf.message import Message

from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.plugins import requestvariables
from master.apiserver.admission.plugins.targets import Targets
from master.apiserver.admission.plugins.webhooks.failures import FailureLog
from master.apiserver.admission.plugins.webhooks.figures import WebhookFigures
from master.apiserver.admission.rules.matching import ServedAs
from master.apiserver.admission.rules.webhooks import refusals, review
from master.apiserver.admission.rules.webhooks.hook import Hook, WebhookClient
from master.apiserver.admission.rules.webhooks.review import BadAnswer, WebhookAnswer
from master.apiserver.admission.seen import SeenWrite
from master.apiserver.authorization import Authorizer
from master.apiserver.egress.client import ANSWER_BYTES, OutgoingRequest, WholeAnswer
from master.apiserver.egress.destinations import Destination, ServiceReference, Trust
from master.apiserver.watchcache.cached_object import with_managed_fields
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.errors import ApiError

# So long all webhooks of one write may take together, as long as Kubernetes' requests.
TOTAL_S = 60.0
# So many requests to one webhook are under way at once; others wait, and their time runs. Two that hang leave some of
# the connections that there are to one host.
AT_ONCE = 24
_OK = range(200, 207)
_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "Accept": "application/json, */*",
    "User-Agent": "podlab-apiserver",
}


class Egress(Protocol):
    """Asks over HTTPS."""

    async def call(self, to: Destination, request: OutgoingRequest, *, most_bytes: int) -> WholeAnswer:
        """Raises ApiError."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookCalls:
    """How webhooks are reached, and what is counted of it."""

    egress: Egress
    figures: WebhookFigures


class CallFailed(Exception):
    """A webhook that could not be asked, or whose answer means nothing, and why."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A webhook that is asked, with the write as it is shown to it."""

    hook: Hook
    seen: SeenWrite
    kind: Kind
    """Of the objects that it is shown."""
    at: ServedAs
    new: Message | None
    """The objects in that version, so that nothing is left to be converted once it has been asked."""
    old: Message | None


class Invoker:
    """Finds out whether webhooks are asked, and asks them. `kind` is what figures call their type."""

    def __init__(self, targets: Targets, authorizer: Authorizer, calls: WebhookCalls, kind: str) -> None:
        self.figures = calls.figures
        self.kind = kind
        self._targets = targets
        self._authorizer = authorizer
        self._egress = calls.egress
        self._failures = FailureLog(time.monotonic)
        # Forgotten with the last call that holds one, and so with their webhooks.
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def invocation(self, request: AdmissionRequest, hook: Hook) -> Invocation | None:
        """None for a webhook that is not about the write. Raises Forbidden when its conditions cannot be asked."""
        seen = self._targets.seen(request)
        target = self._targets.of(request, seen)
        at = hook.match(target)
        if at is None:
            return None
        kind = seen.kind or self._targets.kind_at(at, request.write.kind)
        if hook.is_conditional and not self._meets(request, seen, hook, at):
            return None
        return Invocation(hook, seen, kind, at, seen.new_as(kind), seen.old_as(kind))

    def failed(self, hook: Hook, error: CallFailed) -> None:
        """Tell the log that a call failed."""
        self._failures.failed(hook, refusals.failed_call(hook.name, str(error)))

    def _meets(self, request: AdmissionRequest, seen: SeenWrite, hook: Hook, at: ServedAs) -> bool:
        met, error = False, hook.condition_error
        target = self._targets.of(request, seen)
        if hook.conditions is not None:
            kind = self._targets.kind_at(at, request.write.kind)
            variables = requestvariables.of_request(request, seen, kind, target, None, self._authorizer)
            met, error = hook.conditions.met(variables)
        if error and not hook.ignores_failures:
            raise refusals.unmet(request.write.kind, target.name, error)
        if not met and not error:
            self.figures.excluded(hook.name, self.kind, seen.operation.value)
        return met

    async def ask(self, request: AdmissionRequest, invocation: Invocation, *, mutating: bool) -> WebhookAnswer:
        """What it says. Raises CallFailed; BadRequest for a dry run that it is not fit for; Timeout when no time is
        left."""
        hook = invocation.hook
        if request.write.dry_run and not hook.may_run_dry:
            raise refusals.unfit_for_dry_runs(hook.name)
        left_s = self._left_s(request)
        if left_s <= 0:
            raise refusals.out_of_time()
        uid = str(uuid.uuid4())
        try:
            version = review.version(hook.review_versions)
            body = review.encoded(version, self._described(request, invocation, uid))
            answer = await self._called(hook, body, min(hook.timeout_s, left_s))
            return review.read(answer, version, uid, mutating=mutating)
        except BadAnswer as error:
            raise CallFailed(str(error)) from error

    async def _called(self, hook: Hook, body: bytes, timeout_s: float) -> bytes:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        turns = self._turns.setdefault(hook.key, asyncio.Semaphore(AT_ONCE))  # held as long as this call takes
        try:
            async with asyncio.timeout(timeout_s):
                await turns.acquire()
        except TimeoutError as error:
            raise CallFailed("failed to call webhook: context deadline exceeded") from error
        try:
            answer = await self._answered(hook, body, until_s - loop.time())
        except ApiError as error:
            raise CallFailed(f"failed to call webhook: {error.message}") from error
        finally:
            turns.release()
        if answer.status not in _OK:
            raise CallFailed(f"failed to call webhook: {refusals.unexpected(answer.status, answer.body)}")
        return answer.body

    async def _answered(self, hook: Hook, body: bytes, timeout_s: float) -> WholeAnswer:
        to, path, trust = _destination(hook.client)
        path = f"{path}?timeout={math.ceil(timeout_s)}s"
        outgoing = OutgoingRequest("POST", path, headers=_HEADERS, body=body, trust=trust, timeout_s=timeout_s)
        return await self._egress.call(to, outgoing, most_bytes=ANSWER_BYTES)

    def _left_s(self, request: AdmissionRequest) -> float:
        now_s = asyncio.get_running_loop().time()
        if request.until_s is None:
            request.until_s = now_s + TOTAL_S
        return request.until_s - now_s

    def _described(self, request: AdmissionRequest, invocation: Invocation, uid: str) -> dict[str, object]:
        """The AdmissionRequest."""
        seen = invocation.seen
        target = self._targets.of(request, seen)
        at = self._targets.kind_at(invocation.at, request.write.kind)
        described = requestvariables.attributes(request, seen, at, target.name)
        if request.write.kind.message is Namespace:
            described["namespace"] = target.name  # as Kubernetes has it
        own = (request.managed, request.managed_before) if seen.kind is None else (b"", b"")
        return {
            "uid": uid,
            **{name: value for name, value in described.items() if value != ""},
            "object": shown(invocation.new, own[0], request.new),
            "oldObject": shown(invocation.old, own[1], request.old),
        }


def _destination(client: WebhookClient) -> tuple[Destination, str, Trust]:
    """Where, with which path behind it, and whom to believe."""
    trust = Trust(ca_bundle=client.ca_bundle)
    if client.url:
        return client.url, "", trust
    path = client.path if client.path.startswith("/") else f"/{client.path}"
    return ServiceReference(client.namespace, client.name, client.port), path, trust


def shown(message: Message | None, managed: bytes, stored: Message | None) -> dict[str, Json] | None:
    """The object as JSON, with its managedFields; `stored` is the object in the version that is stored."""
    if message is None:
        return None
    if not managed or stored is None:
        return codec.to_dict(message)
    return codec.to_dict(with_managed_fields(message, managed, stored))
