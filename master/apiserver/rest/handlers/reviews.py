"""Review kinds: a question is posted, the answer comes back in its status, and nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from master.apiserver.filters.reviews import Reviews
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from podlab.api.serializer import codec


@dataclass(frozen=True, slots=True)
class PostedReviews:
    """Answers for each review kind."""

    reviews: Reviews

    async def create(self, call: Call) -> web.StreamResponse:
        """The review with its answer."""
        read = await bodies.read_object(call.request, call.of, call.write_options().validation)
        bodies.take_place(read.message, call.place)
        await self.reviews.answer(call.user, read.message, call.moment)
        return responses.ready(codec.to_json(read.message), status=201, warnings=read.warnings)
