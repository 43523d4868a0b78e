"""certificatesigningrequests/approval over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.registry.approval import Approver
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from podlab.api.objects import Key


@dataclass(frozen=True, slots=True)
class Approval:
    """Answers for certificatesigningrequests/approval."""

    approver: Approver

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
        at = Key(call.of.group_kind, "", call.place.name)
        entry = await self.approver.decide(at, applied, call.user, dry_run=call.query.dry_run())
        return responses.ready(entry.json(), warnings=warnings)
