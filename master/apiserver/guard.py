"""Lets a call through or refuses it: who calls, and whether they may."""

from __future__ import annotations

from typing import Any

import grpc

from master.apiserver import authorization, identity
from master.apiserver.authorization import Attributes
from master.apiserver.bindings import Bindings
from master.apiserver.cache import Cache
from master.apiserver.identity import User
from podlab.api import selectors
from podlab.api.kinds import Kind
from podlab.errors import Forbidden

Context = grpc.aio.ServicerContext[Any, Any]


class Guard:
    """Asked once in each call, before anything else."""

    def __init__(self, cache: Cache, bindings: Bindings) -> None:
        self._cache = cache
        self._bindings = bindings

    async def check(self, context: Context, wanted: Attributes) -> User:
        """The caller. Raises Unauthorized or Forbidden."""
        return await self.admit(identity.caller(context), wanted)

    async def admit(self, user: User, wanted: Attributes) -> User:
        """The user, who may do this. Raises Forbidden."""
        if authorization.NODES in user.groups:
            await self._cache.catch_up()  # what a node may do depends on which pods are bound to it
        if why := authorization.denial(user, wanted, self._bindings):
            raise Forbidden(why, kind=wanted.resource, name=wanted.name)
        return user


def attributes(
    verb: str, kind: Kind, namespace: str, name: str = "", *, subresource: str = "", field_selector: str = ""
) -> Attributes:
    """What a call about objects of a kind wants. Raises BadRequest for a malformed selector."""
    fields = None
    if field_selector:
        parts = selectors.parse_fields(kind, field_selector).requirements
        fields = {part.path: part.value for part in parts if part.equal}
    return Attributes(verb, kind.group, kind.plural, namespace, name, subresource, fields)
