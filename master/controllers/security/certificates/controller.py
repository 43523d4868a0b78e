"""The controller of requests for certificates: approves by policy, signs what is approved, removes what is old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.security.certificates import decide, requestednames
from master.controllers.security.certificates.signer import Signer, ends_at
from podlab.api.objects import Key
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest as Request
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)


class CertificatesController:
    """Keys are requests'. Time is a trigger here: each is looked at when it has been there for long enough."""

    name: Final = "certificates"

    def __init__(self, client: Client, informers: Informers, signer: Callable[[], Signer] | None) -> None:
        self._client = client
        self._signer = signer
        self._requests = informers.of(Request)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._requests.on_change(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        request: Request | None = self._requests.store.get(at)
        if request is None:
            return
        remaining_s = decide.goes_at(request, ends_at(request.status.certificate)) - time.time()
        if remaining_s <= 0:
            await self._client.delete(Request, at.name, uid=request.metadata.uid)
            log.info("%s is removed: it has been there for long enough", at)
            return
        self._loop.queue.add_after(at, remaining_s)
        if not decide.is_decided(request):
            await self._approve(at, request)
        elif self._signer is not None and decide.is_to_sign(request):
            await self._sign(at, request, self._signer())

    async def _approve(self, at: Key, request: Request) -> None:
        try:
            why = decide.approval(request, requestednames.parse(request.spec.request))
        except ValueError:
            return  # whom it names is not clear: a person decides, and our signers refuse it
        if not why:
            return
        approved = {"type": decide.APPROVED, "status": "True", "reason": "AutoApproved", "message": why}
        # What is asked for never changes, so the uid says it all; who decided otherwise meanwhile is not overruled.
        patch = {"metadata": {"uid": request.metadata.uid}, "status": {"conditions": [approved]}}
        merge = apiserver_pb2.PATCH_TYPE_MERGE
        await self._client.patch(Request, at.name, patch=patch, patch_type=merge, subresource="approval")
        log.info("%s is approved: %s", at, why)

    async def _sign(self, at: Key, request: Request, signer: Signer) -> None:
        changed = Request()
        changed.CopyFrom(request)
        spec, whom = request.spec, "nobody"
        try:
            names = requestednames.parse(spec.request)
            whom, why = names.subject.common_name, decide.refusal(request, names)
            if not why:
                changed.status.certificate = signer.sign(spec.request, spec.usages, decide.lifetime_s(request))
        except ValueError as error:
            why = str(error)
        if why:
            changed.status.conditions.add(
                type=decide.FAILED, status="True", reason="SignerValidationFailure", message=why
            )
        await self._client.update_status(changed)
        log.info("%s for %s: %s", at, whom, f"not signed: {why}" if why else "signed")

    def _changed(self, change: Change[Request]) -> None:
        if change.new is not None:
            self._loop.queue.add(change.key)
