"""Completes new objects: defaults, what admission plugins add, and what their kind adds."""

from __future__ import annotations

from master.apiserver.admission.chain import Admission
from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.registry import changes
from master.apiserver.registry.template_memo import Result, TemplateMemo, shape_of
from podlab.core.v1 import pod_pb2
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.strategy import Strategy


class Completion:
    """Remembers what pods of a template become, unless it is told not to."""

    def __init__(self, admission: Admission, kinds: CurrentCatalog | None = None, *, remembers: bool = True) -> None:
        self._admission = admission
        self._kinds = kinds or CurrentCatalog(builtin.catalog())
        self._remembers = remembers
        self.memo = TemplateMemo()
        admission.follow(self.memo.forget)

    async def complete(self, request: AdmissionRequest, strategy: Strategy) -> Result | None:
        """Complete `request.new`; the result that all pods of its template share, None for one of its own. Raises what
        plugins raise."""
        new = request.new
        shape = shape_of(new) if self._remembers and isinstance(new, pod_pb2.Pod) else None
        if shape is None or not isinstance(new, pod_pb2.Pod):
            await self._complete(request, strategy)
            return None
        known = self.memo.known(shape)
        if known is not None:
            known.apply(new)
            return known
        annotations = dict(new.metadata.annotations)
        await self._complete(request, strategy)
        return self.memo.remember(shape, new, annotations)

    async def _complete(self, request: AdmissionRequest, strategy: Strategy) -> None:
        new, write = request.new, request.write
        changes.set_defaults(new, self._kinds.catalog.resource(write.kind))
        for plugin in self._admission.asked(write.kind, write.operation, write.subresource).alike:
            await plugin.mutate(request)
        strategy.prepare_for_create(new)
        strategy.record_author(new, write.user)
