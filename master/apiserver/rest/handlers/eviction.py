"""pods/eviction: a deletion that asks the pod's disruption budget."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from master.apiserver.admission.write import Write
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from master.apiserver.rest.handlers import delete_options
from podlab.api.kinds import EVICTION
from podlab.errors import BadRequest
from podlab.policy.v1 import eviction_pb2


@dataclass(frozen=True, slots=True)
class Evicting:
    """Answers for it."""

    registry: Registry

    async def create(self, call: Call) -> web.StreamResponse:
        """Evict the pod, or say that it must not go now."""
        dry_run = call.query.dry_run()
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        read = await bodies.read_object(call.request, EVICTION, validation)
        eviction = read.message
        assert isinstance(eviction, eviction_pb2.Eviction)
        if eviction.metadata.name != call.place.name:
            raise BadRequest("name in URL does not match name in Eviction object")
        bodies.take_place(eviction, call.place)
        deletion = delete_options.on_terms(call.place, eviction.deleteOptions, dry_run=dry_run)
        await self.registry.write(Write.delete(call.user, deletion, subresource="eviction", moment=call.moment))
        return responses.data(responses.created(), status=201)
