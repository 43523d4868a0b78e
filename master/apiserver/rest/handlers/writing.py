"""create, update, patch and delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.admission.admit import Admit
from master.apiserver.authentication.user import User
from master.apiserver.registry import subresources
from master.apiserver.registry.binding import Binder
from master.apiserver.registry.delete_collection import Collections
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, representations, responses, tables
from master.apiserver.rest.content.negotiation import Form
from master.apiserver.rest.content.warning_headers import Warnings
from master.apiserver.rest.handlers import delete_options
from master.apiserver.watchcache.cached_object import Entry
from podlab.api import kinds, versions
from podlab.api.kinds import Kind
from podlab.api.objects import Key
from podlab.core.v1 import binding_pb2
from podlab.errors import ApiError, BadRequest, Cause, Invalid
from podlab.kinds import warnings
from podlab.v1 import apiserver_pb2 as pb

# The object itself is the answer to its deletion, not a Status.
_RETURNED_WHEN_DELETED = frozenset({"Pod", "Service"})


class Warned:
    """An admission that remembers what to warn of in what it let through last; of parts there is nothing to say."""

    def __init__(self, admit: Admit, *, whole: bool = True) -> None:
        self._admit = admit
        self._whole = whole
        self.warnings: list[str] = []

    def __call__(self, new: Message | None, old: Message | None) -> None:
        """Implements Admit."""
        self._admit(new, old)
        self.warnings = warnings.of(new, old) if new is not None and self._whole else []


@dataclass(frozen=True, slots=True)
class Writing:
    """Answers what changes objects."""

    registry: Registry
    collections: Collections
    binder: Binder
    admission: Callable[[User], Admit]

    async def create(self, call: Call) -> web.StreamResponse:
        """Store a new object; its name may be left to `generateName`."""
        dry_run, how = call.query.dry_run(), representations.asked(call)
        read, admit = await self._body(call), Warned(self.admission(call.user))
        entry = await self.registry.create(read.message, dry_run=dry_run, admit=admit)
        call.tell_made(entry.key.rpartition("/")[2])
        return _shown(call, entry, how, [*read.warnings, *admit.warnings], status=201)

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace all but the status, or the part that the subresource is."""
        dry_run, how, part = call.query.dry_run(), representations.asked(call), subresources.of(call.place.subresource)
        read, admit = await self._body(call), Warned(self.admission(call.user), whole=part is subresources.WHOLE)
        entry = await self.registry.update(read.message, part=part, dry_run=dry_run, admit=admit)
        return _shown(call, entry, how, [*read.warnings, *admit.warnings])

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update to what a JSON patch, a merge patch or a strategic merge patch makes of the object."""
        place, dry_run, how = call.place, call.query.dry_run(), representations.asked(call)
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        patch = await bodies.read_patch(call.request, validation, of_status=place.subresource == "status")
        part = subresources.of(place.subresource)
        admit = Warned(self.admission(call.user), whole=part is subresources.WHOLE)
        entry = await self.registry.patch(
            Key(call.of.group_kind, place.namespace, place.name),
            lambda old: versions.stored(patch.applied(versions.shown(old, call.of))),
            part=part,
            dry_run=dry_run,
            admit=admit,
        )
        return _shown(call, entry, how, [*patch.warnings, *admit.warnings])

    async def delete_collection(self, call: Call) -> web.StreamResponse:
        """Delete what selectors take, all of them when there are none; the answer is the list of what was deleted."""
        how = representations.asked(call, listed=True)
        options = await bodies.delete_options(call.request)
        one = delete_options.request(call.place, options, call.query)
        if one.uid or one.resource_version:
            raise BadRequest("DeleteOptions: preconditions are about one object, not a collection")
        request = pb.DeleteCollectionRequest(
            kind=call.of.name,
            namespace=call.place.namespace,
            label_selector=call.query.text("labelSelector"),
            field_selector=call.query.text("fieldSelector"),
            propagation_policy=one.propagation_policy,
            dry_run=one.dry_run,
        )
        if one.HasField("grace_period_seconds"):
            request.grace_period_seconds = one.grace_period_seconds
        batches = self.collections.delete(request, self.admission(call.user))
        gone = [deleted.entry async for batch in batches for deleted in batch]
        metadata = {"resourceVersion": ""}
        if how.form is Form.TABLE:
            return responses.data(tables.table(call.of, gone, metadata, how.include))
        return representations.listed(
            call.of, metadata, [representations.bytes_of(call.of, one, how.form) for one in gone], how.form
        )

    async def delete(self, call: Call) -> web.StreamResponse:
        """Mark or remove, as DeleteOptions in the body, or else the query, say."""
        how = representations.asked(call)
        options = await bodies.delete_options(call.request)
        request = delete_options.request(call.place, options, call.query)
        deleted = await self.registry.delete(request, admit=self.admission(call.user))
        if not deleted.removed or call.of.name in _RETURNED_WHEN_DELETED:
            return _shown(call, deleted.entry, how)
        metadata: Any = deleted.entry.message().metadata  # type: ignore[attr-defined]
        return responses.data(responses.success(call.of, metadata.name, metadata.uid))

    async def bind(self, call: Call) -> web.StreamResponse:
        """Bind a pod to the node that the Binding in the body names."""
        dry_run = call.query.dry_run()
        read = await self._body(call, kinds.BINDING)
        wanted = _checked_binding(call, cast("binding_pb2.Binding", read.message))
        if dry_run:
            await self.binder.check(wanted)
        else:
            (result,) = await self.binder.bind([wanted])
            if isinstance(result, ApiError):
                raise result
        return responses.data(responses.created(), status=201, warnings=read.warnings)

    async def _body(self, call: Call, kind: Kind | None = None) -> bodies.Read:
        """What the body says: an object of the place's kind, or of another that belongs there."""
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        of_status = call.place.subresource == "status"
        read = await bodies.read_object(call.request, kind or call.of, validation, of_status=of_status)
        bodies.take_place(read.message, call.place)
        return replace(read, message=versions.stored(read.message))


def _shown(
    call: Call, entry: Entry, how: representations.Reply, warnings: Warnings = (), *, status: int = 200
) -> web.Response:
    return representations.one(call.of, entry, how, revision=entry.revision, status=status, warnings=warnings)


def _checked_binding(call: Call, binding: binding_pb2.Binding) -> pb.Binding:
    """Raises BadRequest, Invalid."""
    metadata, target = binding.metadata, binding.target
    if target.kind not in ("", "Node"):
        cause = Cause(
            "target.kind", "FieldValueNotSupported", f'Unsupported value: "{target.kind}": supported values: "Node"'
        )
        raise Invalid.of("Binding", call.place.name, [cause])
    if not target.name:
        raise Invalid.of("Binding", call.place.name, [Cause("target.name", "FieldValueRequired", "Required value")])
    return pb.Binding(namespace=call.place.namespace, name=call.place.name, uid=metadata.uid, node_name=target.name)
