"""pods/eviction: a deletion that asks the pod's disruption budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aiohttp import web

from master.apiserver.admission.write import Write
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from master.apiserver.rest.handlers import delete_options
from podlab.api import kinds
from podlab.errors import BadRequest
from podlab.policy.v1 import eviction_pb2


@dataclass(frozen=True, slots=True)
class Evicting:
    """Answers for it."""

    registry: Registry

    async def create(self, call: Call) -> web.StreamResponse:
        """Evict the pod, or say that it must not go now."""
        options = call.write_options()
        read = await bodies.read_object(call.request, kinds.of(eviction_pb2.Eviction), options.validation)
        eviction = read.message
        assert isinstance(eviction, eviction_pb2.Eviction)
        if eviction.metadata.name != call.place.name:
            raise BadRequest("name in URL does not match name in Eviction object")
        bodies.take_place(eviction, call.place)
        told = eviction.deleteOptions
        delete_options.check(told)
        writing = call.writing(replace(options, dry_run=options.dry_run or bool(told.dryRun)))
        deletion = delete_options.deletion(call.place, told)
        await self.registry.write(Write.delete(writing, deletion, subresource="eviction"))
        return responses.data(responses.created(), status=201)
