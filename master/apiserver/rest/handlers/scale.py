"""The scale subresource: how many replicas, as autoscaling/v1 Scale, whatever the kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.admission.write import Application, Write
from master.apiserver.registry import changes
from master.apiserver.registry.registry import Registry
from master.apiserver.request.write_options import WriteOptions
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, negotiation, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.rest.content.representations import Made
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata, typed
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apply import validation
from podlab.autoscaling.v1.scale_pb2 import Scale
from podlab.errors import BadRequest, Cause, Invalid
from podlab.kinds.resource import Resource
from podlab.kinds.scaling import SCALE_TABLE, Scaling, scale_of
from podlab.shapes.messages import shape_of

_SCALE = kinds.of(Scale)
_PRINTED = Resource(_SCALE, table=SCALE_TABLE)


@dataclass(frozen=True, slots=True)
class ScaleSubresource:
    """Answers for <kind>/scale."""

    registry: Registry

    async def get(self, call: Call) -> web.StreamResponse:
        """How many there are to be, and are."""
        stored = await self.registry.get(call.stored, call.place.namespace, call.place.name, call.moment)
        entry = await self.registry.conversions.one(stored, call.of)
        scale = scale_of(entry.message(), call.resource.scaling)
        if negotiation.accepted(call.headers.get("Accept", ""), negotiation.OF_SCALE).form is not Representation.TABLE:
            return responses.data(codec.to_dict(scale))
        include = tables.included(call.query.text("includeObject"))
        revision = {"resourceVersion": scale.metadata.resourceVersion}
        return responses.data(tables.table(_SCALE, _PRINTED, [Made(scale)], revision, include))

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace the number; a resourceVersion in the Scale is a precondition."""
        options = call.write_options()
        read = await bodies.read_object(call.request, _SCALE, options.validation)
        sent = typed(read.message, Scale)
        if sent.metadata.name not in ("", call.place.name):
            raise BadRequest(
                f"the name of the object ({sent.metadata.name}) does not match the name on the URL ({call.place.name})"
            )
        changed = await self._change(call, options, lambda _: sent, sent.metadata.resourceVersion)
        return responses.data(changed, warnings=read.warnings)

    async def patch(self, call: Call) -> web.StreamResponse:
        """What a patch makes of the Scale, as `kubectl scale` sends it; or what is applied to it."""
        options = call.write_options()
        if call.applies:
            return await self._apply(call, options)
        patch = await bodies.read_patch(call.request, _SCALE, options.validation)
        changed = await self._change(call, options, patch.applied)
        return responses.data(changed, warnings=patch.warnings)

    async def _change(
        self, call: Call, options: WriteOptions, wanted: Callable[[Scale], Scale], revision: str = ""
    ) -> dict[str, Any]:
        """The Scale as it is then. Without a `revision`, again when others changed the workload meanwhile."""

        scaling = call.resource.scaling

        def scaled(old: Message) -> Message:
            scale = wanted(scale_of(old, scaling))
            if scale.spec.replicas < 0:
                why = f"Invalid value: {scale.spec.replicas}: must be greater than or equal to 0"
                cause = Cause("spec.replicas", "FieldValueInvalid", why)
                raise Invalid.of(_SCALE.qualified_name, call.place.name, [cause])
            new = changes.copied(old)
            scaling.set_replicas(new, scale.spec.replicas)
            metadata(new).resourceVersion = revision or scale.metadata.resourceVersion
            return new

        write = Write.patch(
            call.writing(options),
            call.stored,
            scaled,
            namespace=call.place.namespace,
            name=call.place.name,
            subresource=call.place.subresource,
            version=call.of,
        )
        written = await self.registry.write(write)
        entry = await self.registry.conversions.one(written.entry, call.of)
        return codec.to_dict(scale_of(entry.message(), scaling))

    async def _apply(self, call: Call, options: WriteOptions) -> web.StreamResponse:
        """Who applies the Scale manages the workload's own number."""
        read = await bodies.read_configuration(call.request, options.validation)
        write = Write.patch(
            call.writing(options),
            call.stored,
            Application(_of_workload(read.content, call.of, call.resource.scaling), force=options.force),
            namespace=call.place.namespace,
            name=call.place.name,
            subresource=call.place.subresource,
            version=call.of,
        )
        written = await self.registry.write(write)
        entry = await self.registry.conversions.one(written.entry, call.of)
        return responses.data(codec.to_dict(scale_of(entry.message(), call.resource.scaling)), warnings=read.warnings)


def _of_workload(scale: dict[str, Json], kind: Kind, scaling: Scaling) -> dict[str, Json]:
    """The configuration of a workload that says what one of its Scale says. Raises BadRequest."""
    said = scale.get("apiVersion"), scale.get("kind")
    if said != (_SCALE.api_version, _SCALE.name):
        raise BadRequest(f"invalid object type: {said[0] or '/'}, Kind={said[1] or ''}")
    if found := validation.problems(scale, shape_of(Scale)):
        raise BadRequest(f"failed to create typed patch object: {validation.described(found)}")
    own: dict[str, Json] = {"metadata": scale["metadata"]} if "metadata" in scale else {}
    spec = scale.get("spec") or {}
    if "replicas" in spec:
        own |= reduce(lambda inner, name: {name: inner}, reversed(scaling.path), spec["replicas"])
    return {"apiVersion": kind.api_version, "kind": kind.name, **own}
