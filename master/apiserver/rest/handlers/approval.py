"""certificatesigningrequests/approval over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.admission.rules import certificates
from master.apiserver.admission.write import Application, Write
from master.apiserver.registry.registry import Registry
from master.apiserver.request.write_options import WriteOptions
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses


@dataclass(frozen=True, slots=True)
class Approval:
    """Answers for certificatesigningrequests/approval."""

    registry: Registry

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace the conditions; the rest of what was sent is left aside."""
        options = call.write_options()
        read = await bodies.read_object(call.request, call.of, options.validation, of_status=True)
        bodies.take_place(read.message, call.place)
        decided = await self._decide(call, options, lambda _: read.message)
        return responses.ready(decided, warnings=read.warnings)

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update the conditions to those that a patch makes, or that are applied."""
        options = call.write_options()
        if call.applies:
            return await self._apply(call, options)
        patch = await bodies.read_patch(call.request, call.of, options.validation, of_status=True)
        decided = await self._decide(call, options, patch.applied)
        return responses.ready(decided, warnings=patch.warnings)

    async def _decide(self, call: Call, options: WriteOptions, applied: Callable[[Message], Message]) -> bytes:
        """The request as it is then, as JSON."""
        write = Write.patch(
            call.writing(options),
            call.stored,
            certificates.deciding(applied),
            namespace="",
            name=call.place.name,
            subresource=call.place.subresource,
            version=call.of,
        )
        return (await self.registry.write(write)).entry.json()

    async def _apply(self, call: Call, options: WriteOptions) -> web.StreamResponse:
        read = await bodies.read_configuration(call.request, options.validation)
        write = Write.patch(
            call.writing(options),
            call.stored,
            Application(read.content, force=options.force),
            namespace="",
            name=call.place.name,
            subresource=call.place.subresource,
            version=call.of,
        )
        return responses.ready((await self.registry.write(write)).entry.json(), warnings=read.warnings)
