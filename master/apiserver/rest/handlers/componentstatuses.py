"""componentstatuses: how the components of the control plane are, asked when somebody wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.rest.call import Call
from master.apiserver.rest.content import representations, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.rest.content.representations import Made
from podlab.api.selection import selectors
from podlab.core.v1.componentstatus_pb2 import ComponentStatus
from podlab.errors import NotFound
from podlab.meta.v1.meta_pb2 import ObjectMeta

CHECK_LIMIT_S = 5.0
Check = Callable[[], Awaitable[object]]
"""Raises when the component is not well."""


@dataclass(frozen=True, slots=True)
class ComponentStatuses:
    """Answers for ComponentStatus, by a check for each component."""

    checks: Mapping[str, Check]

    async def get(self, call: Call) -> web.StreamResponse:
        """One of them. Raises NotFound."""
        how, name = representations.asked(call), call.place.name
        if name not in self.checks:
            raise NotFound.of(call.of.resource, name)
        return representations.one(call, await self._checked(name), how)

    async def list(self, call: Call) -> web.StreamResponse:
        """Those that selectors take. Raises BadRequest."""
        how = representations.asked(call, listed=True)
        labels = selectors.parse_labels(call.query.text("labelSelector"))
        fields = call.resource.field_selector(call.query.text("fieldSelector"))
        checked = await asyncio.gather(*map(self._checked, sorted(self.checks)))
        found = [one for one in checked if labels.matches({}) and fields.matches(one.of)]
        if how.form is Representation.TABLE:
            return responses.data(tables.table(call.of, call.resource, found, {}, how.include))
        return representations.listed(call.of, {}, [representations.bytes_of(call.of, one, how) for one in found], how)

    async def _checked(self, name: str) -> Made:
        status = ComponentStatus(metadata=ObjectMeta(name=name))
        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                await self.checks[name]()
        except Exception as error:  # whatever it is, the component is not well
            status.conditions.add(type="Healthy", status="False", error=str(error) or type(error).__name__)
        else:
            status.conditions.add(type="Healthy", status="True", message="ok")
        return Made(status)
