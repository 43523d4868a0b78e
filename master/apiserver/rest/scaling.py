"""The scale subresource: how many replicas, as autoscaling/v1 Scale, whatever the kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from master.apiserver.identity import User
from master.apiserver.registry.admission import Admit
from master.apiserver.registry.registry import Registry
from master.apiserver.rest import answers, bodies
from master.apiserver.rest.call import Call
from podlab.api import codec, selectors
from podlab.errors import BadRequest, Conflict, UnsupportedMediaType

MERGES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_ATTEMPTS = 5
_MOST_REPLICAS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Scaling:
    """Answers for <kind>/scale."""

    registry: Registry
    admission: Callable[[User], Admit]

    async def get(self, call: Call) -> web.StreamResponse:
        """How many there are to be, and are."""
        entry = await self.registry.get(call.of, call.place.namespace, call.place.name)
        return answers.data(scale(entry.message()))

    async def update(self, call: Call) -> web.StreamResponse:
        """Replace the number; a resourceVersion in the Scale is a precondition."""
        content = bodies.data(await bodies.read(call.request), bodies.media_type(call.request))
        return await self._change(call, content)

    async def patch(self, call: Call) -> web.StreamResponse:
        """What a patch says of the Scale, as `kubectl scale` sends it. Without lists in it, both merges are one."""
        media_type = bodies.media_type(call.request)
        if media_type not in MERGES:
            raise UnsupportedMediaType(f"scale takes patches of {' and '.join(MERGES)}, found {media_type}")
        return await self._change(call, bodies.data(await bodies.read(call.request), "application/json"))

    async def _change(self, call: Call, content: Any) -> web.StreamResponse:
        dry_run = call.query.dry_run()
        wanted, revision = asked(content)
        for attempt in range(1, _ATTEMPTS + 1):
            entry = await self.registry.get(call.of, call.place.namespace, call.place.name)
            message: Any = entry.message()
            if wanted is not None:
                message.spec.replicas = wanted
            message.metadata.resourceVersion = revision or message.metadata.resourceVersion
            try:
                changed = await self.registry.update(message, dry_run=dry_run, admit=self.admission(call.user))
            except Conflict:
                if revision or attempt == _ATTEMPTS:
                    raise
            else:
                return answers.data(scale(changed.message()))
        raise AssertionError("unreachable")


def scale(message: Any) -> dict[str, Any]:
    """The object as a Scale."""
    metadata = codec.part_to_dict(message.metadata)
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": message.spec.replicas},
        "status": {
            "replicas": message.status.replicas,
            "selector": str(selectors.from_message(message.spec.selector)),
        },
    }


def asked(content: Any) -> tuple[int | None, str]:
    """Replicas and resourceVersion that a Scale, or a patch of one, says. Raises BadRequest."""
    if not isinstance(content, dict) or content.get("kind", "Scale") != "Scale":
        raise BadRequest("the body must be a Scale of autoscaling/v1")
    spec, metadata = content.get("spec") or {}, content.get("metadata") or {}
    if not isinstance(spec, dict) or not isinstance(metadata, dict):
        raise BadRequest("Scale: spec and metadata must be objects")
    replicas, revision = spec.get("replicas"), metadata.get("resourceVersion") or ""
    if replicas is not None and (type(replicas) is not int or not 0 <= replicas <= _MOST_REPLICAS):
        raise BadRequest(f"Scale: spec.replicas: expected a whole number from 0 on, found {replicas!r}")
    if not isinstance(revision, str):
        raise BadRequest(f"Scale: metadata.resourceVersion: expected a string, found {revision!r}")
    return replicas, revision
