"""create, update, patch and delete."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aiohttp import web

from master.apiserver.admission.write import Application, Write
from master.apiserver.filters.authorize import AuthorizationFilter, attributes
from master.apiserver.registry import binding as bindings
from master.apiserver.registry.delete_collection import CollectionDeletion, Collections
from master.apiserver.registry.registry import Registry, Written
from master.apiserver.request.write_options import WriteOptions
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, representations, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.rest.content.warning_headers import Warnings
from master.apiserver.rest.handlers import delete_options
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.selection import ListOptions
from podlab.api import kinds, objects
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.core.v1 import binding_pb2
from podlab.errors import BadRequest, Cause, Invalid

# The object itself is the answer to its deletion, not a Status.
_RETURNED_WHEN_DELETED = frozenset({"Pod", "Service"})


@dataclass(frozen=True, slots=True)
class Writing:
    """Answers what changes objects."""

    registry: Registry
    collections: Collections
    access: AuthorizationFilter

    async def create(self, call: Call) -> web.StreamResponse:
        """Store a new object; its name may be left to `generateName`."""
        options, how = call.write_options(), representations.asked(call)
        read = await self._body(call, options)
        write = Write.create(call.writing(options), read.message, call.stored, version=call.of)
        written = await self.registry.write(write)
        call.tell_made(written.entry.key.rpartition("/")[2])
        told = [*read.warnings, *_warnings(call, written)]
        return await self._shown(call, written.entry, how, told, status=201)

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace all but the status, or the part that the subresource is."""
        options, how = call.write_options(), representations.asked(call)
        read = await self._body(call, options)
        write = Write.update(
            call.writing(options), read.message, call.stored, subresource=call.place.subresource, version=call.of
        )
        written = await self.registry.write(write)
        return await self._shown(call, written.entry, how, [*read.warnings, *_warnings(call, written)])

    async def patch(self, call: Call) -> web.StreamResponse:
        """Update to what a JSON patch, a merge patch or a strategic merge patch makes of the object; or apply a
        configuration to it, and create it when there is none."""
        if call.applies:
            return await self._apply(call)
        place, options, how = call.place, call.write_options(), representations.asked(call)
        of_status, decode = place.subresource == "status", call.resource.decode
        patch = await bodies.read_patch(call.request, call.of, options.validation, of_status=of_status, decode=decode)
        write = Write.patch(
            call.writing(options),
            call.stored,
            lambda old: versions.stored(patch.applied(versions.shown(old, call.of))),
            namespace=place.namespace,
            name=place.name,
            subresource=place.subresource,
            version=call.of,
            sees_managed_fields=patch.sees_managed_fields,
        )
        written = await self.registry.write(write)
        return await self._shown(call, written.entry, how, [*patch.warnings, *_warnings(call, written)])

    async def _apply(self, call: Call) -> web.StreamResponse:
        place, options, how = call.place, call.write_options(), representations.asked(call)
        read = await bodies.read_configuration(call.request, options.validation)
        creating = attributes("create", call.of, place.namespace, place.name)
        write = Write.patch(
            call.writing(options),
            call.stored,
            Application(
                read.content,
                force=options.force,
                admit_creation=lambda: self.access.admit(call.user, creating, call.moment),
            ),
            namespace=place.namespace,
            name=place.name,
            subresource=place.subresource,
            version=call.of,
        )
        written = await self.registry.write(write)
        status = 201 if written.old is None else 200
        told = [*read.warnings, *_warnings(call, written)]
        return await self._shown(call, written.entry, how, told, status=status)

    async def delete_collection(self, call: Call) -> web.StreamResponse:
        """Delete what selectors take, all of them when there are none; the answer is the list of what was deleted."""
        how = representations.asked(call, listed=True)
        told = delete_options.told(await bodies.delete_options(call.request), call.query)
        one = delete_options.deletion(call.place, told)
        if one.uid or one.resource_version:
            raise BadRequest("DeleteOptions: preconditions are about one object, not a collection")
        selectors = (call.query.text("labelSelector"), call.field_selector())
        wanted = CollectionDeletion(
            ListOptions(call.resource, call.place.namespace, *selectors),
            grace_period_s=one.grace_period_s,
            propagation=one.propagation,
            version=call.of,
        )
        batches = self.collections.delete(call.writing(delete_options.write_options(told)), wanted)
        gone = await self.registry.conversions.shown([one.entry async for batch in batches for one in batch], call.of)
        metadata = {"resourceVersion": ""}
        if how.form is Representation.TABLE:
            return responses.data(tables.table(call.of, call.resource, gone, metadata, how.include))
        return representations.listed(
            call.of, metadata, [representations.bytes_of(call.of, one, how) for one in gone], how
        )

    async def delete(self, call: Call) -> web.StreamResponse:
        """Mark or remove, as DeleteOptions in the body, or else the query, say."""
        how = representations.asked(call)
        told = delete_options.told(await bodies.delete_options(call.request), call.query)
        writing = call.writing(delete_options.write_options(told))
        deleted = await self.registry.write(
            Write.delete(writing, delete_options.deletion(call.place, told), version=call.of)
        )
        if not deleted.removed or call.of.name in _RETURNED_WHEN_DELETED:
            return await self._shown(call, deleted.entry, how)
        metadata = objects.metadata(deleted.entry.message())
        return responses.data(responses.success(call.of, metadata.name, metadata.uid))

    async def bind(self, call: Call) -> web.StreamResponse:
        """Bind a pod to the node that the Binding in the body names."""
        options = call.write_options()
        read = await self._body(call, options, kinds.of(binding_pb2.Binding))
        binding = _checked_binding(call, objects.typed(read.message, binding_pb2.Binding))
        node, uid = binding.target.name, binding.metadata.uid
        pod = call.place.name or binding.metadata.name
        await self.registry.write(bindings.write(call.writing(options), call.place.namespace, pod, node, uid=uid))
        return responses.data(responses.created(), status=201, warnings=read.warnings)

    async def _shown(
        self,
        call: Call,
        entry: CachedObject,
        how: representations.RequestedRepresentation,
        told: Warnings = (),
        *,
        status: int = 200,
    ) -> web.Response:
        shown = await self.registry.conversions.one(entry, call.of)
        return representations.one(call, shown, how, revision=entry.revision, status=status, warnings=told)

    async def _body(self, call: Call, options: WriteOptions, kind: Kind | None = None) -> bodies.Read:
        """What the body says: an object of the place's kind, or of another that belongs there."""
        of_status = call.place.subresource == "status"
        decode = call.resource.decode if kind is None else codec.from_dict_leniently
        read = await bodies.read_object(
            call.request, kind or call.of, options.validation, of_status=of_status, decode=decode
        )
        bodies.take_place(read.message, call.place)
        return replace(read, message=versions.stored(read.message))


def _warnings(call: Call, written: Written) -> list[str]:
    """Of subresources there is nothing to say."""
    return [] if call.place.subresource else call.resource.strategy.warn(written.new, written.old)


def _checked_binding(call: Call, binding: binding_pb2.Binding) -> binding_pb2.Binding:
    """Raises BadRequest, Invalid."""
    target = binding.target
    if target.kind not in ("", "Node"):
        cause = Cause(
            "target.kind", "FieldValueNotSupported", f'Unsupported value: "{target.kind}": supported values: "Node"'
        )
        raise Invalid.of("Binding", call.place.name, [cause])
    if not target.name:
        raise Invalid.of("Binding", call.place.name, [Cause("target.name", "FieldValueRequired", "Required value")])
    return binding
