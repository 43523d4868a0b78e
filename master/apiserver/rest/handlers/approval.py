"""certificatesigningrequests/approval over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.admission.rules import certificates
from master.apiserver.admission.write import Write
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses


@dataclass(frozen=True, slots=True)
class Approval:
    """Answers for certificatesigningrequests/approval."""

    registry: Registry

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace the conditions; the rest of what was sent is left aside."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        read = await bodies.read_object(call.request, call.of, validation, of_status=True)
        bodies.take_place(read.message, call.place)
        return await self._decide(call, lambda _: read.message, read.warnings)

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update the conditions to those that a patch makes."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        patch = await bodies.read_patch(call.request, validation, of_status=True)
        return await self._decide(call, patch.applied, patch.warnings)

    async def _decide(
        self, call: Call, applied: Callable[[Message], Message], warnings: list[str]
    ) -> web.StreamResponse:
        write = Write.patch(
            call.user,
            call.stored,
            certificates.deciding(applied),
            namespace="",
            name=call.place.name,
            subresource=call.place.subresource,
            dry_run=call.query.dry_run(),
            moment=call.moment,
        )
        written = await self.registry.write(write)
        return responses.ready(written.entry.json(), warnings=warnings)
