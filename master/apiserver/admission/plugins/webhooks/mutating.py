"""MutatingAdmissionWebhook: what others make of objects that are written. They are asked one after the other."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import listed
from master.apiserver.admission.plugin import AdmissionRequest, Followed, MutatingPlugin
from master.apiserver.admission.plugins.progress import MutationProgress
from master.apiserver.admission.plugins.targets import Targets
from master.apiserver.admission.plugins.webhooks import notes
from master.apiserver.admission.plugins.webhooks.counting import counted
from master.apiserver.admission.plugins.webhooks.figures import ADMIT
from master.apiserver.admission.plugins.webhooks.invocation import CallFailed, Invocation, Invoker, WebhookCalls
from master.apiserver.admission.plugins.webhooks.patches import Patches
from master.apiserver.admission.plugins.webhooks.registered import RegisteredHooks, configures_admission
from master.apiserver.admission.rules.webhooks import refusals
from master.apiserver.admission.rules.webhooks.review import WebhookAnswer
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import MutatingWebhookConfiguration
from podlab.api.kinds import Kind


class MutatingAdmissionWebhook(MutatingPlugin):
    """Asks all that are about the write; each sees what those before it have made of the object."""

    name: ClassVar[str] = "MutatingAdmissionWebhook"

    def __init__(self, cache: Cache, authorizer: Authorizer, calls: WebhookCalls) -> None:
        self._targets = Targets(cache)
        self._hooks = RegisteredHooks(listed(cache, MutatingWebhookConfiguration))
        self._invoker = Invoker(self._targets, authorizer, calls, ADMIT)
        self._patches = Patches(cache)

    @property
    def told_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._hooks,)

    @property
    def is_idle(self) -> bool:
        """See Plugin."""
        return not self._hooks.are_there

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return not configures_admission(kind)

    def concerns(self, request: AdmissionRequest) -> bool:
        """See MutatingPlugin."""
        return bool(self._hooks.about(*self._targets.about(request)))

    async def mutate(self, request: AdmissionRequest) -> None:
        """See MutatingPlugin."""
        again, progress = request.reinvocation, MutationProgress.of(request, self.name)
        for hook in self._hooks.about(*self._targets.about(request)):
            if hook.key in progress.done or (again.is_second and hook.key not in progress.due):
                continue
            invocation = self._invoker.invocation(request, hook)
            if invocation is None:
                continue
            if await self._asked(request, invocation, progress):
                progress.changed()
                again.wanted = True
            if hook.reinvoked:
                progress.asked.add(hook.key)
            progress.done.add(hook.key)
        progress.leave(request.new)

    async def _asked(self, request: AdmissionRequest, invocation: Invocation, progress: MutationProgress) -> bool:
        """Whether it has changed the object. Raises what refuses the write."""
        hook, context, time = invocation.hook, request.write.context, int(request.reinvocation.is_second)
        changed = False
        try:
            with counted(self._invoker, invocation):
                changed = await self._changed(request, invocation, progress)
        except refusals.Denied as denied:
            raise denied.error from denied
        except CallFailed as error:
            self._invoker.failed(hook, error)
            if not hook.ignores_failures:
                raise refusals.failed(hook.name, str(error)) from error
            notes.mutation_failed_open(context, hook, time)
        finally:
            notes.mutation(context, hook, time, mutated=changed)
        return changed

    async def _changed(self, request: AdmissionRequest, invocation: Invocation, progress: MutationProgress) -> bool:
        hook, context, time = invocation.hook, request.write.context, int(request.reinvocation.is_second)
        answer = progress.answers.pop(hook.key, None)
        if not isinstance(answer, WebhookAnswer):
            answer = await self._invoker.ask(request, invocation, mutating=True)
            notes.take(context, hook, answer)
        if not answer.allowed:
            raise refusals.Denied(hook.name, answer.result)
        if not answer.patch:
            return False
        progress.answers[hook.key] = answer  # until what it makes is converted
        changed = self._patches.apply(request, invocation, answer.patch)
        del progress.answers[hook.key]
        notes.patch(context, hook, time, answer.patch)
        return changed
