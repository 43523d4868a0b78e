"""Completes new objects: defaults, what admission plugins add, and what their kind adds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from master.apiserver.admission.chain import Admission, SelectedPlugins
from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.managedfields import field_manager
from master.apiserver.managedfields.entries import ALL
from master.apiserver.registry import changes, tracking
from master.apiserver.registry.template_memo import Result, Shape, TemplateMemo, shape_of
from podlab.api import objects
from podlab.api.kinds import GroupResource
from podlab.apply.field_set import FieldSet
from podlab.core.v1 import pod_pb2
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


class Completion:
    """Remembers what pods of a template become, unless it is told not to."""

    def __init__(
        self,
        admission: Admission,
        kinds: CurrentCatalog | None = None,
        *,
        allocated: Collection[GroupResource] = (),
        remembers: bool = True,
    ) -> None:
        """Objects of the kinds that are `allocated` something get more than is found out here."""
        self.admission = admission
        self._kinds = kinds or CurrentCatalog(builtin.catalog())
        self._allocated = allocated
        self._remembers = remembers
        self.memo = TemplateMemo()
        admission.follow(self.memo.forget)

    async def complete(self, request: AdmissionRequest, resource: Resource, asked: SelectedPlugins) -> Result | None:
        """Complete `request.new`; the result that all pods of its template share, None for one of its own. Raises what
        plugins raise."""
        new = request.new
        if not isinstance(new, pod_pb2.Pod) or (shape := self._shape(new, request, asked)) is None:
            await self._complete(request, resource, asked)
            return None
        known = self.memo.known(shape)
        if known is not None:
            if not request.managed:
                request.managed = known.ownership.managed(new.metadata, tracking.writer(request.write))
            known.apply(new)
            return known
        annotations = dict(new.metadata.annotations)
        fields = await self._complete(request, resource, asked)
        return self.memo.remember(shape, new, annotations, fields)

    async def _complete(self, request: AdmissionRequest, resource: Resource, asked: SelectedPlugins) -> FieldSet:
        """The fields that the object's author wrote, defaults included."""
        new, write, strategy = request.new, request.write, resource.strategy
        changes.set_defaults(new, resource)
        if tracking.is_written_as_a_whole(request) and not self._adds(asked, request, strategy):
            tracking.begin(request, ALL)
            return ALL
        stored = resource if write.seen is write.kind else self._kinds.catalog.resource(write.kind)
        fields = field_manager.written_at_creation(new, stored, write.version or write.kind)
        tracking.begin(request, fields)
        for plugin in asked.alike:
            await plugin.mutate(request)
        if asked.may_change(request):
            await self._changed(request, resource, asked)
        strategy.prepare_for_create(request.new)
        strategy.record_author(request.new, write.user)
        return fields

    def _shape(self, pod: pod_pb2.Pod, request: AdmissionRequest, asked: SelectedPlugins) -> Shape | None:
        """What the pod has in common with others; None where it becomes something of its own."""
        return shape_of(pod) if self._remembers and not asked.may_change(request) else None

    def _adds(self, asked: SelectedPlugins, request: AdmissionRequest, strategy: Strategy) -> bool:
        """Whether anybody may add to what the object's author sends, and its defaults."""
        adds = bool(asked.alike) or strategy.adds_to_new or request.write.kind.group_resource in self._allocated
        return adds or asked.may_change(request)

    async def _changed(self, request: AdmissionRequest, resource: Resource, asked: SelectedPlugins) -> None:
        """Have the object changed as users say. It may get another name: nobody knows it by the one that it had."""
        own = changes.copied(objects.metadata(request.new))
        await self.admission.change(asked, request, lambda changed: changes.begin_again(changed.new, resource, own))
        name = objects.metadata(request.new).name
        if name != own.name:
            request.write = replace(request.write, name=name)
