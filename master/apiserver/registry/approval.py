"""The approval of requests for certificates: a part of their status with rights of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from google.protobuf.message import Message

from master.apiserver.admission import certificates
from master.apiserver.admission.admit import Admit
from master.apiserver.admission.certificates import Request
from master.apiserver.authentication.user import User
from master.apiserver.registry import subresources
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache.cached_object import Entry
from podlab.api.objects import Key


@dataclass(frozen=True, slots=True)
class Approver:
    """`admission` is that of approvals."""

    registry: Registry
    admission: Callable[[User], Admit]

    async def decide(self, at: Key, applied: Callable[[Message], Message], user: User, *, dry_run: bool) -> Entry:
        """Replaces the request's conditions by those of what `applied` makes of it. Raises ApiError."""
        return await self.registry.patch(
            at,
            lambda old: certificates.decided(cast("Request", applied(old)), cast("Request", old)),
            part=subresources.MARKED_STATUS,
            dry_run=dry_run,
            admit=self.admission(user),
        )
