"""pods/eviction: a deletion that asks the pod's disruption budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.admission.admit import Admit
from master.apiserver.authentication.user import User
from master.apiserver.registry.evictor import Evictor
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from master.apiserver.rest.handlers import delete_options
from podlab.api.kinds import EVICTION
from podlab.errors import BadRequest
from podlab.policy.v1 import eviction_pb2


@dataclass(frozen=True, slots=True)
class Evicting:
    """Answers for it."""

    evictor: Evictor
    admission: Callable[[User], Admit]

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
        request = delete_options.on_terms(call.place, eviction.deleteOptions)
        request.dry_run = request.dry_run or dry_run
        await self.evictor.evict(request, admit=self.admission(call.user))
        return responses.data(responses.created(), status=201)
