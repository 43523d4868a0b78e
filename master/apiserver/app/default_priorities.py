"""Keeps the FlowSchemas and PriorityLevelConfigurations that every cluster has, and tells of schemas without a level.

The mandatory ones are put right whatever became of them. The suggested ones are, while their annotation says so; who
wants others sets it to "false".
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#maintenance-of-the-mandatory-and-suggested-configuration-objects
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TypeVar

from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache.cache import Cache
from master.store.errors import Closed, StoreError
from podlab.api import kinds
from podlab.api.objects import condition
from podlab.api.values import times
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration
from podlab.kinds.defaults import priorities

EVERY_S = 10.0
AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
DANGLING = "Dangling"
_WRITING = WriteContext(SERVER)
_THERE = ("False", "Found", "and it exists")
_ABSENT = ("True", "NotFound", "but there is no such object")

C = TypeVar("C", FlowSchema, PriorityLevelConfiguration)
log = logging.getLogger(__name__)


def put_right(found: C, wanted: C, *, mandatory: bool) -> bool:
    """Make of the object that was found what it has to be; whether it was anything else."""
    marks = found.metadata.annotations
    if not mandatory and marks.get(AUTOUPDATE) != "true":
        return False
    new = type(found)()
    new.CopyFrom(found)
    new.ClearField("spec")
    new.spec.MergeFrom(wanted.spec)
    if isinstance(new, PriorityLevelConfiguration) and new.metadata.name == priorities.EXEMPT:
        # What is put aside for requests that never wait is for the administrator to say.
        new.spec.exempt.MergeFrom(found.spec.exempt)
    new.metadata.annotations[AUTOUPDATE] = "true"
    if new == found:
        return False
    found.CopyFrom(new)
    return True


def tell_level(schema: FlowSchema, *, exists: bool) -> bool:
    """Say in the schema's status whether there is its level; whether it said anything else before."""
    name = schema.spec.priorityLevelConfiguration.name
    status, reason, ending = _THERE if exists else _ABSENT
    told = condition(schema.status.conditions, DANGLING)
    if told is not None and (told.status, told.reason) == (status, reason):
        return False
    if told is None:
        told = schema.status.conditions.add(type=DANGLING)
    told.status, told.reason = status, reason
    told.message = f'This FlowSchema references the PriorityLevelConfiguration object named "{name}" {ending}'
    told.lastTransitionTime.CopyFrom(times.now())
    return True


@dataclass(frozen=True, slots=True)
class DefaultPriorities:
    """`ensure` once before the server answers; `run` for ever."""

    cache: Cache
    registry: Registry

    async def run(self) -> None:
        """Look again and again; what is right is left alone."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.ensure()
            except Closed:
                return
            except (ApiError, StoreError) as error:
                log.warning("cannot keep the default priorities: %s; again in %.0f s", error, EVERY_S)

    async def ensure(self) -> None:
        """Make what is missing, correct what is wrong, and tell of levels that are not there."""
        for level in priorities.MANDATORY_LEVELS:
            await self._ensure(level, mandatory=True)
        for level in priorities.SUGGESTED_LEVELS:
            await self._ensure(level, mandatory=False)
        for schema in priorities.MANDATORY_SCHEMAS:
            await self._ensure(schema, mandatory=True)
        for schema in priorities.SUGGESTED_SCHEMAS:
            await self._ensure(schema, mandatory=False)
        await self.cache.reach(await self.cache.moments.now())
        level_names = {one.metadata.name for one in self._all(PriorityLevelConfiguration)}
        for schema in self._all(FlowSchema):
            if tell_level(schema, exists=schema.spec.priorityLevelConfiguration.name in level_names):
                await self._written(Write.update_status(_WRITING, schema))

    async def _ensure(self, wanted: C, *, mandatory: bool) -> None:
        kind = kinds.of(wanted)
        try:
            found = (await self.registry.get(kind, "", wanted.metadata.name)).message_as(type(wanted))
        except NotFound:
            new = type(wanted)()
            new.CopyFrom(wanted)
            new.metadata.annotations[AUTOUPDATE] = "true"
            await self._written(Write.create(_WRITING, new))
            return
        if put_right(found, wanted, mandatory=mandatory):
            await self._written(Write.update(_WRITING, found))

    async def _written(self, write: Write) -> None:
        try:
            await self.registry.write(write)
        except (AlreadyExists, Conflict, NotFound) as error:
            log.debug("changed meanwhile, looked at again next time: %s", error)

    def _all(self, message: type[C]) -> list[C]:
        return [entry.message_as(message) for entry in self.cache.window(kinds.of(message)).entries.values()]
