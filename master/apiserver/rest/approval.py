"""The approval of requests for certificates, a part of their status with rights of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver import certificates
from master.apiserver.certificates import Request
from master.apiserver.identity import User
from master.apiserver.registry import parts
from master.apiserver.registry.admission import Admit
from master.apiserver.registry.registry import Registry
from master.apiserver.rest import answers, bodies
from master.apiserver.rest.call import Call
from podlab.api.objects import Key


@dataclass(frozen=True, slots=True)
class Approval:
    """Answers for certificatesigningrequests/approval. `admission` is that of approvals."""

    registry: Registry
    admission: Callable[[User], Admit]

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace the conditions; the rest of what was sent is left aside."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        read = await bodies.read_object(call.request, call.of, validation)
        bodies.take_place(read.message, call.place)
        return await self._decide(call, lambda _: read.message, read.warnings)

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update the conditions to those that a patch makes."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        patch = await bodies.read_patch(call.request, validation)
        return await self._decide(call, patch.applied, patch.warnings)

    async def _decide(
        self, call: Call, applied: Callable[[Message], Message], warnings: list[str]
    ) -> web.StreamResponse:
        entry = await self.registry.patch(
            Key(call.of.name, "", call.place.name),
            lambda old: certificates.decided(cast("Request", applied(old)), cast("Request", old)),
            part=parts.STATUS,
            dry_run=call.query.dry_run(),
            admit=self.admission(call.user),
        )
        return answers.ready(entry.json(), warnings=warnings)
