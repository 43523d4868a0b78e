"""Review kinds: a question is posted, the answer comes back in its status, and nothing is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from master.apiserver.identity import User
from master.apiserver.rest import answers, bodies
from master.apiserver.rest.call import Call
from podlab.api import codec
from podlab.authentication.v1 import user_pb2

Answer = Callable[[User, Any], Awaitable[None]]
"""Fills in the status of a review that the user has made. Raises Invalid, BadRequest."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Answers for each review kind, by its name."""

    answerers: Mapping[str, Answer]

    async def create(self, call: Call) -> web.StreamResponse:
        """The review with its answer."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        read = await bodies.read_object(call.request, call.of, validation)
        bodies.take_place(read.message, call.place)
        await self.answerers[call.of.name](call.user, read.message)
        return answers.ready(codec.to_json(read.message), status=201, warnings=read.warnings)


async def answer_self(user: User, review: user_pb2.SelfSubjectReview) -> None:
    """Whom the server takes the caller for."""
    review.status.userInfo.CopyFrom(user_info(user))


def user_info(user: User) -> user_pb2.UserInfo:
    """The user as the API shows it."""
    told = user_pb2.UserInfo(username=user.name, uid=user.uid, groups=sorted(user.groups))
    for key, values in user.extra.items():
        told.extra[key].items.extend(values)
    return told
