"""What a webhook's patch makes of an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import Message

from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.plugins.webhooks.invocation import Invocation, shown
from master.apiserver.admission.rules.webhooks import refusals
from master.apiserver.admission.seen import taken_over
from master.apiserver.admission.write import Operation
from master.apiserver.patching.json_patch import json_patch
from master.apiserver.watchcache.cache import Cache
from podlab.api import objects
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, weight
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import ApiError, InternalError

# What is written there is a deletion, or the name of a node: a webhook may refuse it, and say nothing better.
_LEFT_ALONE: Final = frozenset({"binding", "eviction"})


class Patches:
    """Applies them."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def apply(self, request: AdmissionRequest, invocation: Invocation, operations: Sequence[Json]) -> bool:
        """Change the request's new object; whether it is another then. Raises InternalError for what does not apply, or
        makes no object of that kind."""
        write, seen, kind = request.write, invocation.seen, invocation.kind
        before = shown(invocation.new, request.managed if seen.kind is None else b"", request.new)
        if before is None or write.operation is Operation.CONNECT or write.subresource in _LEFT_ALONE:
            raise refusals.misplaced_patch(invocation.hook.name)
        resource = self._cache.catalog.resource(write.kind)
        try:
            content = json_patch(before, list(operations))
            if not isinstance(content, dict):
                raise InternalError("the patched object is no object")
            changed = taken_over(request, self._read(content, kind, request), resource)
            weight.check_message(changed)
        except ApiError as error:
            raise InternalError(f"Internal error occurred: {error.message}", causes=error.causes) from error
        objects.metadata(changed).ClearField("managedFields")  # who manages what is decided by who writes
        if changed == request.new:
            return False
        request.new = changed
        return True

    def _read(self, content: dict[str, Json], kind: Kind, request: AdmissionRequest) -> Message:
        """The object as it is stored; fields that nobody knows are left out."""
        stored = self._cache.catalog.resource(request.write.kind)
        if kind.group_kind != stored.group_kind and stored.version(kind) is None:
            message, _ = codec.from_dict_leniently(content, kind)  # of a subresource
            return message
        at = self._cache.catalog.resource(kind)
        message, _ = at.decode(content, kind, of_status=request.write.subresource == "status")
        if isinstance(message, Custom):
            return versions.shown(message, self._cache.catalog.kind_of(request.new))
        return versions.stored(message)
