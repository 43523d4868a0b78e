"""create, update, patch and delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson
from aiohttp import web

from master.apiserver.collection import Collections
from master.apiserver.entry import Entry
from master.apiserver.identity import User
from master.apiserver.patching import patch
from master.apiserver.registry.admission import Admit
from master.apiserver.registry.binding import Binder
from master.apiserver.registry.registry import Registry
from master.apiserver.rest import answers, bodies, deleting
from master.apiserver.rest.call import Call
from podlab.api.objects import Key
from podlab.errors import ApiError, BadRequest, Cause, Invalid
from podlab.v1 import apiserver_pb2 as pb

# The object itself is the answer to its deletion, not a Status.
_RETURNED_WHEN_DELETED = frozenset({"Pod", "Service"})


@dataclass(frozen=True, slots=True)
class Writing:
    """Answers what changes objects."""

    registry: Registry
    collections: Collections
    binder: Binder
    admission: Callable[[User], Admit]

    async def create(self, call: Call) -> web.StreamResponse:
        """Store a new object; its name may be left to `generateName`."""
        dry_run = call.query.dry_run()
        read = await self._body(call)
        entry = await self.registry.create(read.message, dry_run=dry_run, admit=self.admission(call.user))
        return _shown(entry, read, status=201)

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace all but the status."""
        dry_run = call.query.dry_run()
        read = await self._body(call)
        entry = await self.registry.update(read.message, dry_run=dry_run, admit=self.admission(call.user))
        return _shown(entry, read)

    async def update_status(self, call: Call) -> web.StreamResponse:
        """Replace the status alone."""
        if call.query.dry_run():
            raise BadRequest("dryRun: not supported for updates of the status subresource")
        read = await self._body(call)
        return _shown(await self.registry.update_status(read.message, admit=self.admission(call.user)), read)

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update to what a JSON patch, a merge patch or a strategic merge patch makes of the object."""
        place = call.place
        entry = await self.registry.patch(
            Key(call.of.name, place.namespace, place.name),
            patch.parse(_patch_type(bodies.media_type(call.request)), await bodies.read(call.request)),
            status=place.subresource == "status",
            dry_run=call.query.dry_run(),
            admit=self.admission(call.user),
        )
        return answers.ready(entry.json())

    async def delete_collection(self, call: Call) -> web.StreamResponse:
        """Delete what selectors take, all of them when there are none; the answer is the list of what was deleted."""
        options = await bodies.delete_options(call.request)
        one = deleting.request(call.place, options, call.query)
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
        items = [deleted.entry.json() async for batch in batches for deleted in batch]
        return answers.listed(call.of, {"resourceVersion": ""}, items)

    async def delete(self, call: Call) -> web.StreamResponse:
        """Mark or remove, as DeleteOptions in the body, or else the query, say."""
        options = await bodies.delete_options(call.request)
        request = deleting.request(call.place, options, call.query)
        deleted = await self.registry.delete(request, admit=self.admission(call.user))
        if not deleted.removed or call.of.name in _RETURNED_WHEN_DELETED:
            return answers.ready(deleted.entry.json())
        metadata: Any = deleted.entry.message().metadata  # type: ignore[attr-defined]
        return answers.data(answers.success(call.of, metadata.name, metadata.uid))

    async def bind(self, call: Call) -> web.StreamResponse:
        """Bind a pod to the node that the Binding in the body names."""
        dry_run = call.query.dry_run()
        if dry_run:
            raise BadRequest("dryRun: not supported for bindings")
        content = bodies.data(await bodies.read(call.request), bodies.media_type(call.request))
        (result,) = await self.binder.bind([_binding(call, content)])
        if isinstance(result, ApiError):
            raise result
        return answers.data(answers.created(), status=201)

    async def _body(self, call: Call) -> bodies.Read:
        validation = bodies.field_validation(call.query.text("fieldValidation"))
        read = bodies.decode(await bodies.object_data(call.request, call.of), call.of, validation)
        bodies.take_place(read.message, call.place)
        return read


def _patch_type(media_type: str) -> pb.PatchType.ValueType:
    """Unspecified for what is no patch: refused where patches are parsed."""
    if media_type == patch.APPLY_MEDIA_TYPE:
        return pb.PATCH_TYPE_APPLY
    found = (number for number, name in patch.MEDIA_TYPES.items() if name == media_type)
    return cast("pb.PatchType.ValueType", next(found, pb.PATCH_TYPE_UNSPECIFIED))


def _shown(entry: Entry, read: bodies.Read, *, status: int = 200) -> web.Response:
    return answers.ready(entry.json(), status=status, warnings=read.warnings)


def _binding(call: Call, content: Any) -> pb.Binding:
    """What a v1 Binding says. Raises BadRequest, Invalid."""
    target = content.get("target") if isinstance(content, dict) else None
    metadata = (content.get("metadata") if isinstance(content, dict) else None) or {}
    if not isinstance(target, dict) or not isinstance(metadata, dict):
        raise BadRequest(f"the body is no Binding: {orjson.dumps(content).decode()[:200]}")
    if target.get("kind", "Node") not in ("", "Node"):
        cause = Cause("target.kind", "FieldValueNotSupported", f'Unsupported value: "{target["kind"]}": only "Node"')
        raise Invalid.of("Binding", call.place.name, [cause])
    if not isinstance(target.get("name"), str) or not target["name"]:
        raise Invalid.of("Binding", call.place.name, [Cause("target.name", "FieldValueRequired", "Required value")])
    if metadata.get("name") not in (None, "", call.place.name):
        raise BadRequest(f"the name of the binding ({metadata['name']}) does not match the pod's ({call.place.name})")
    return pb.Binding(
        namespace=call.place.namespace,
        name=call.place.name,
        uid=str(metadata.get("uid") or ""),
        node_name=target["name"],
    )
