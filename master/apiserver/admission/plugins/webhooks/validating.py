"""ValidatingAdmissionWebhook: what others say of a write. They are asked all at once."""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from master.apiserver.admission.lister import listed
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Followed, Plugin
from master.apiserver.admission.plugins.targets import Targets
from master.apiserver.admission.plugins.webhooks import notes
from master.apiserver.admission.plugins.webhooks.counting import counted
from master.apiserver.admission.plugins.webhooks.figures import VALIDATING
from master.apiserver.admission.plugins.webhooks.invocation import CallFailed, Invocation, Invoker, WebhookCalls
from master.apiserver.admission.plugins.webhooks.registered import RegisteredHooks, configures_admission
from master.apiserver.admission.rules.webhooks import refusals
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import ValidatingWebhookConfiguration
from podlab.api.kinds import Kind
from podlab.errors import ApiError

log = logging.getLogger(__name__)


class ValidatingAdmissionWebhook(Plugin):
    """Asks all that are about the write. The first that refuses it is told."""

    name: ClassVar[str] = "ValidatingAdmissionWebhook"

    def __init__(self, cache: Cache, authorizer: Authorizer, calls: WebhookCalls) -> None:
        self._targets = Targets(cache)
        self._hooks = RegisteredHooks(listed(cache, ValidatingWebhookConfiguration))
        self._invoker = Invoker(self._targets, authorizer, calls, VALIDATING)

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

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        hooks = self._hooks.about(*self._targets.about(request))
        if not hooks:
            return NOTHING
        found = (self._invoker.invocation(request, hook) for hook in hooks)
        invocations = [one for one in found if one is not None]
        outcomes = await asyncio.gather(
            *(self._asked(request, one, index) for index, one in enumerate(invocations)), return_exceptions=True
        )
        refused = [one for one in outcomes if one is not None]
        for one in refused[1:]:
            log.info("also refused: %s", one)
        if refused:
            raise refused[0]
        return NOTHING

    async def _asked(self, request: AdmissionRequest, invocation: Invocation, index: int) -> ApiError | None:
        """Why it refuses the write, if it does."""
        hook, context = invocation.hook, request.write.context
        try:
            with counted(self._invoker, invocation):
                answer = await self._invoker.ask(request, invocation, mutating=False)
                notes.take(context, hook, answer)
                if not answer.allowed:
                    raise refusals.Denied(hook.name, answer.result)
        except refusals.Denied as denied:
            return denied.error
        except CallFailed as error:
            self._invoker.failed(hook, error)
            if not hook.ignores_failures:
                return refusals.failed(hook.name, str(error))
            notes.validation_failed_open(context, hook, index)
        return None
