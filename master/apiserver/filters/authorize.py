"""Lets a request through or refuses it, by what the watch cache holds once it is up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from master.apiserver.authentication import deleted_nodes
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes, Authorizer, Decision
from master.apiserver.authorization.attributes import refusal
from master.apiserver.authorization.authorizer import ADMINISTRATORS, UserRules
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.moment import Moment
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, Forbidden
from podlab.kinds.resource import Resource


class AuthorizationFilter:
    """Asked once in each call, before anything else."""

    def __init__(self, cache: Cache, authorizer: Authorizer) -> None:
        self._cache = cache
        self._authorizer = authorizer

    async def admit(self, user: User, wanted: Attributes, moment: Moment) -> None:
        """Raises Forbidden when the user may not do this."""
        verdict = await self.judge(user, wanted, moment)
        if not verdict.allowed:
            raise forbidden(user, wanted, verdict)

    async def judge(self, user: User, wanted: Attributes, moment: Moment) -> Decision:
        """Whether the user may do this."""
        await self._reach(user, moment)
        if wanted.finer:
            finer = self._authorizer.decide(user, replace(wanted, subresource=wanted.finer, finer=""))
            if finer.allowed:
                return finer
        return self._authorizer.decide(user, wanted)

    async def rules(self, user: User, namespace: str, moment: Moment) -> UserRules:
        """What the user may do in the namespace."""
        await self._reach(user, moment)
        return self._authorizer.rules(user, namespace)

    async def _reach(self, user: User, moment: Moment) -> None:
        """What has been taken away and acknowledged counts no longer.

        Raises Unauthorized for a node that has been deleted.
        """
        if depends_on_objects(user):
            await self._cache.reach(moment)
            deleted_nodes.check(user, self._cache)


def depends_on_objects(user: User) -> bool:
    """Whether objects say what the user may do. Administrators' rights depend on nothing."""
    return ADMINISTRATORS not in user.groups


def forbidden(user: User, wanted: Attributes, verdict: Decision) -> Forbidden:
    """What the user is told who may not do this."""
    kind = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    return Forbidden(refusal(user, wanted, verdict.reason), kind=kind, name=wanted.name)


def attributes(
    verb: str,
    kind: Kind,
    namespace: str,
    name: str = "",
    *,
    subresource: str = "",
    fields: Mapping[str, str] | None = None,
) -> Attributes:
    """What a call about objects of a kind wants.

    A selection by name is about that name, so that rules with names allow to watch a single object.
    """
    name = name or (fields or {}).get("metadata.name", "")
    return Attributes(verb, kind.group, kind.plural, namespace, name, subresource, fields)


def selected_fields(resource: Resource, selector: str) -> Mapping[str, str] | None:
    """The values of fields that a selection asks for. A malformed selector selects nothing here: its user hears of it
    once it is known that they may ask."""
    if not selector:
        return None
    try:
        parts = resource.field_selector(selector).requirements
    except BadRequest:
        return None
    return {part.path: part.value for part in parts if part.equal}
