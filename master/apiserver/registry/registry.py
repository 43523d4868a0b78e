"""Carries out every write: read from the cache, complete, mutate, validate, judge, charge, commit; and again when it
raced with others.

What differs between kinds is said by their strategies and allocators, and by admission plugins; no kind is known by
name here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from google.protobuf.message import Message

from master.apiserver.admission.chain import Admission, SelectedPlugins
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside
from master.apiserver.admission.write import ATTEMPTS, Operation, Write
from master.apiserver.conversion.conversions import Conversions
from master.apiserver.managedfields import field_manager
from master.apiserver.registry import changes, deletion, subresources, tracking, uids
from master.apiserver.registry.completion import Completion
from master.apiserver.registry.subresources import SubresourceStrategy
from master.apiserver.registry.template_memo import Result
from master.apiserver.watchcache import encoding, keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.moment import Moment
from master.store.contract import Delete, Put
from master.store.errors import Mismatch
from podlab.api import kinds, objects
from podlab.api.conversion.versions import custom_in
from podlab.api.kinds import GroupResource, Kind
from podlab.api.serializer import weight
from podlab.api.values import names, times
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.batch.v1.job_pb2 import Job
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import AlreadyExists, BadRequest, Cause, Conflict, Invalid, NotFound
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.validation import rules
from podlab.kinds.validation.rules import Rules
from podlab.meta.v1 import meta_pb2
from podlab.spans.spans import Spans

_GENERATED_NAMES = 8
_REMEMBERED = frozenset({Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job})
_STORED = "stored"
"""The name of the span from the beginning of a write, admission included, until the store has it."""


class Allocator(Protocol):
    """Chooses for objects of a kind what nobody else may hold, as addresses are."""

    def allocate(self, new: Message, old: Message | None) -> Alongside:
        """Fill in what the new object leaves open; what has to be committed with it. Raises Invalid."""
        ...

    def release(self, old: Message) -> Alongside:
        """What has to be committed when the object goes."""
        ...


@dataclass(slots=True)  # not frozen, as Write
class Written:
    """What a write has done. `entry` is the object now or, when it is gone, as it was last."""

    entry: CachedObject
    new: Message
    old: Message | None
    removed: bool = False


@dataclass(slots=True)
class Planned:
    """What a write would commit as things stand."""

    request: AdmissionRequest
    key: str
    asked: SelectedPlugins
    entry: CachedObject | None
    """The object that it is about; None for a new one."""
    value: bytes
    """The object as it is to be stored, or was last."""
    alongside: Alongside
    unchanged: bool = False

    @property
    def operation(self) -> Put | Delete:
        """The object's own."""
        expected = self.entry.revision if self.entry is not None else 0
        return Delete(self.key, expected) if self.request.removed else Put(self.key, self.value, expected)

    @property
    def operations(self) -> list[Put | Delete]:
        """The object's own comes first."""
        return [self.operation, *self.alongside]


@dataclass(slots=True)
class _Begun:
    """A new object, complete but for what is allocated to it, its key, and what it shares with others."""

    request: AdmissionRequest
    key: str
    alike: Result | None
    asked: SelectedPlugins
    rules: Rules


class Registry:
    """Messages that are sent become its own."""

    def __init__(
        self,
        cache: Cache,
        allocators: Mapping[GroupResource, Allocator],
        admission: Admission,
        conversions: Conversions | None = None,
        *,
        clock: Callable[[], meta_pb2.Time] = times.this_second,
    ) -> None:
        self._cache = cache
        self._allocators = allocators
        self._admission = admission
        self.conversions = conversions or Conversions()
        """What shows custom objects in other versions."""
        self._completion = Completion(admission, cache.kinds, allocated=allocators.keys())
        self._clock = clock
        self.spans = Spans()
        """When pods, and what makes them, were stored."""

    def _resource(self, kind: Kind) -> Resource:
        return self._cache.catalog.resource(kind)

    async def get(self, kind: Kind, namespace: str, name: str, moment: Moment | None = None) -> CachedObject:
        """The object as of the moment or later, of now when there is none. Raises NotFound."""
        await self._reach(moment)
        return self._found(kind, namespace, name)

    async def write(self, write: Write) -> Written:
        """Carry it out. Raises NotFound, AlreadyExists, Invalid, Conflict, Forbidden, BadRequest, RequestTooLarge."""
        is_kept = write.deletion is None and not write.subresource and not write.dry_run
        if not is_kept or write.kind.message not in _REMEMBERED:
            return await self._write(write)
        began_s = self.spans.now()
        written = await self._write(write)
        uid = objects.metadata(written.new).uid
        self.spans.note(uid, _STORED, began_s, detail=write.context.traceparent)
        return written

    async def _write(self, write: Write) -> Written:
        await self._reach(write.context.moment)
        if write.operation is Operation.CREATE and not write.subresource:
            return await self._create(write)
        for _ in range(write.attempts):
            planned = await self.plan(write)
            if planned.unchanged or write.dry_run:
                return self._tried(planned)
            try:
                return await self._commit(planned)
            except Mismatch as error:
                await self._caught_up_after(error)  # with a resourceVersion, the next attempt finds it stale
        raise _contended(write)

    async def connect(self, write: Write) -> None:
        """Have admission judge a connection, whose options are what the write sends. Raises ApiError."""
        assert write.sent is not None
        request = AdmissionRequest(write, write.sent)
        asked = self._admission.asked(write.kind, write.operation, write.subresource)
        for plugin in asked.completing:
            await plugin.mutate(request)
        await self._admission.change(asked, request, _settle_nothing)
        await self._admission.validate(asked, request)

    async def reach(self, write: Write) -> None:
        """Wait until the cache holds what the write's reads must have seen."""
        await self._reach(write.context.moment)

    async def plan(self, write: Write) -> Planned:
        """What it would commit, as things stand in the cache. Raises what `write` raises."""
        if write.operation is Operation.CREATE and not write.subresource:
            return await self._planned_new(write)
        key = keys.object_key(write.kind, write.namespace, write.name)
        part = subresources.of(write) if write.deletion is None else None
        entry = self._cache.get(write.kind, key)
        if entry is not None:
            return await self._planned_change(write, entry, part)
        if write.creates_missing:
            return await self._planned_new(write.creation())
        raise NotFound.of(write.kind.resource, write.name)

    async def _planned_new(self, write: Write) -> Planned:
        if write.application is None:
            begun = await self._begun(write, write.made_from(None))
        else:
            made = await tracking.created(write, self._resource(write.kind), self._clock().seconds)
            begun = await self._begun(write, *made)
        return await self._planned_creation(begun)

    def charges(self, planned: Planned) -> bool:
        """Whether it takes of something limited: it is then not to be committed with others."""
        charging = planned.asked.charging
        return bool(charging) and any(plugin.concerns(planned.request) for plugin in charging)

    async def _create(self, write: Write) -> Written:
        message = write.sent
        assert message is not None
        metadata = objects.metadata(message)
        if _is_revision(metadata.resourceVersion):
            raise BadRequest("metadata.resourceVersion: should not be set on objects to be created")
        metadata.resourceVersion = ""
        weight.check_message(message)
        if write.name or not metadata.generateName:
            return await self._create_named(write, message)
        for attempt in range(1, _GENERATED_NAMES + 1):
            copy = changes.copied(message)  # an attempt leaves its name in what it makes of the object
            name = objects.metadata(copy).name = names.generate(metadata.generateName)
            try:
                return await self._create_named(write.creation(copy, name=name), copy)
            except AlreadyExists:
                if attempt == _GENERATED_NAMES:
                    raise
        raise AssertionError("unreachable")

    async def _create_named(self, write: Write, message: Message) -> Written:
        begun = await self._begun(write, message)
        for _ in range(ATTEMPTS):
            planned = await self._planned_creation(begun)
            if write.dry_run:
                return self._tried(planned)
            try:
                return await self._commit(planned)
            except Mismatch as error:
                if error.key == begun.key:
                    raise AlreadyExists.of(write.kind.resource, begun.request.write.name) from error
                await self._caught_up_after(error)
        raise _contended(write)

    async def _begun(self, write: Write, message: Message, managed: bytes = b"") -> _Begun:
        key, resource = _key(write), self._resource(write.seen)
        request = AdmissionRequest(write, message, managed=managed)
        changes.begin(message, resource, uids.new_uid(), self._clock())
        asked = self._admission.asked(write.kind, Operation.CREATE, "")
        for plugin in asked.first:
            await plugin.mutate(request)
        alike = await self._completion.complete(request, resource, asked)
        if request.write is not write:  # it has another name
            key = _key(request.write)
        return _Begun(request, key, alike, asked, _rules(write, resource.strategy))

    async def _planned_creation(self, begun: _Begun) -> Planned:
        request, key, alike, allocated = begun.request, begun.key, begun.alike, NOTHING
        write = request.write
        if (allocator := self._allocators.get(write.kind.group_resource)) is not None:
            request = replace(request, new=changes.copied(request.new))  # another attempt chooses anew
            allocated = allocator.allocate(request.new, None)
        own = changes.encoded(request.new) if alike is None and write.kind.conversion is None else None
        if causes := _faults(begun.rules, request.new, alike, own, namespaced=write.kind.namespaced):
            raise Invalid.of(write.kind.qualified_name, request.write.name, causes)
        alongside = await self._admission.validate(begun.asked, request)
        if self._cache.get(write.kind, key) is not None:
            raise AlreadyExists.of(write.kind.resource, request.write.name)
        if own is not None:
            value = own  # who judges changes nothing
        elif alike is not None:
            value = alike.encoded(request.new)
        else:
            value = changes.encoded(await self._as_stored(write, request.new))
        stored = encoding.with_managed(value, request.managed)
        return Planned(request, key, begun.asked, None, stored, (*allocated, *alongside))

    async def _planned_change(self, write: Write, entry: CachedObject, part: SubresourceStrategy | None) -> Planned:
        """What becomes of an object that is there: of the whole, of a subresource, or at its deletion."""
        resource, now = self._resource(write.seen), self._clock()
        strategy = resource.strategy
        asked = self._admission.asked(write.kind, write.operation, write.subresource)
        if write.kind.conversion is None:
            old = entry.message()
            request = self._completed(write, entry, old, part, resource, now)
        else:
            old = before = await self.conversions.run(lambda: _seen(write, entry))
            request = await self.conversions.run(lambda: self._completed(write, entry, before, part, resource, now))
        await self._add(asked, request, part, resource)
        new = request.new
        if part is not None:
            part.prepare(new, old, strategy, now)
        request.removed = deletion.is_finished(new, strategy)
        allocator, allocated = self._allocators.get(write.kind.group_resource), NOTHING
        if allocator is not None and request.removed:
            allocated = allocator.release(old)
        elif allocator is not None and part is not None:
            allocated = allocator.allocate(new, old)
        if part is not None:
            causes = part.validate(_rules(write, strategy), new, old, namespaced=write.kind.namespaced)
            if causes:
                raise Invalid.of((write.kind if part.stores else kinds.of(new)).qualified_name, write.name, causes)
        alongside = await self._admission.validate(asked, request)
        if part is not None and not part.stores:
            return Planned(request, entry.key, asked, entry, b"", NOTHING, unchanged=True)
        is_same = not request.removed and new == old  # both have the resourceVersion of what is there
        if is_same:
            request.managed = tracking.settled(request, entry.managed)
        unchanged = is_same and request.managed == entry.managed and entry.is_of_its_kind
        # Of an object that goes nothing is stored: no webhook need convert it.
        kept = new if request.removed or write.kind.conversion is None else await self._as_stored(write, new)
        stored = encoding.with_managed(changes.encoded(kept), request.managed)
        return Planned(request, entry.key, asked, entry, stored, (*allocated, *alongside), unchanged)

    async def _add(
        self, asked: SelectedPlugins, request: AdmissionRequest, part: SubresourceStrategy | None, resource: Resource
    ) -> None:
        """Have plugins complete an object that is there, and change it as users say. Nobody manages what is added."""
        kind = request.write.kind
        if asked.completing or resource.strategy.adds_to_changed or kind.group_resource in self._allocators:
            tracking.told_apart(request)
        for plugin in asked.completing:
            await plugin.mutate(request)
        if asked.may_change(request):
            tracking.told_apart(request)
            await self._admission.change(asked, request, partial(_complete_again, part, resource))

    async def _as_stored(self, write: Write, new: Message) -> Message:
        """The object in the version that is stored. One that is deleted in no version in particular stays in its
        own."""
        if write.kind.conversion is None or not isinstance(new, Custom) or not _is_seen_in_one_version(write):
            return new
        stored = await self.conversions.run(lambda: custom_in(new, write.kind))
        if stored is not new:
            self._resource(write.kind).strategy.set_defaults(stored)
        return stored

    def _completed(
        self,
        write: Write,
        entry: CachedObject,
        old: Message,
        part: SubresourceStrategy | None,
        resource: Resource,
        now: meta_pb2.Time,
    ) -> AdmissionRequest:
        """What is made of the object as it stands, before anybody else has a say. Raises Conflict, and what a patch
        raises."""
        managed = entry.managed
        if (terms := write.deletion) is not None:
            changes.check_preconditions(old, write.kind, terms.uid, terms.resource_version)
            new = deletion.decided(old, resource.strategy, terms, now)
            if not deletion.is_finished(new, resource.strategy):
                managed = field_manager.told_apart(managed, old)
            return AdmissionRequest(write, new, old, managed=managed, managed_before=entry.managed)
        assert part is not None
        stored = resource if write.seen is write.kind else self._resource(write.kind)
        if write.application is not None:
            sent, managed = tracking.applied(write, entry, old, stored, now.seconds)
            weight.check_message(sent)
        else:
            sent = tracking.made(write, entry, old, part)
        metadata = objects.metadata(sent)
        changes.check_preconditions(old, write.kind, metadata.uid, metadata.resourceVersion)
        claimed = tracking.take_entries(sent)
        new = part.complete(sent, old, resource)
        if write.application is None and part.is_tracked:
            managed = tracking.managed(write, entry, old, new, stored, claimed, now.seconds)
        return AdmissionRequest(write, new, old, managed=managed, managed_before=entry.managed)

    def _tried(self, planned: Planned) -> Written:
        """What a dry run, or a write that changes nothing, answers."""
        request, entry = planned.request, planned.entry
        write = request.write
        if planned.unchanged and entry is not None:
            return Written(entry, request.new, request.old)
        for plugin in planned.asked.charging:
            plugin.charge(request)
        if write.operation is Operation.DELETE and entry is not None:
            return Written(entry, request.new, request.old, request.removed)
        revision = entry.revision if entry is not None else 0
        return Written(CachedObject(write.kind, planned.key, planned.value, revision), request.new, request.old)

    async def _commit(self, planned: Planned) -> Written:
        """Write, and charge what is limited in the same commit. Raises Forbidden, Mismatch."""
        request, store = planned.request, self._cache.store
        for plugin in planned.asked.charging:
            if plugin.concerns(request):
                async with plugin.turn(request):
                    revision = await store.commit([*planned.operations, *plugin.charge(request)])
                break
        else:
            revision = await store.commit(planned.operations)
        entry = self._cache.written(request.write.kind, planned.key, planned.value, revision)
        return Written(entry, request.new, request.old, request.removed)

    async def _reach(self, moment: Moment | None) -> None:
        await self._cache.reach(moment if moment is not None else await self._cache.moments.now())

    def _found(self, kind: Kind, namespace: str, name: str) -> CachedObject:
        entry = self._cache.get(kind, keys.object_key(kind, namespace, name))
        if entry is None:
            raise NotFound.of(kind.resource, name)
        return entry

    async def _caught_up_after(self, error: Mismatch) -> None:
        """A deletion that was faster tells no revision."""
        await self._cache.reach(max(error.found, await self._cache.moments.now()))


def _complete_again(part: SubresourceStrategy | None, resource: Resource, request: AdmissionRequest) -> None:
    """What was made of the object becomes it: nothing else changes than what is written."""
    assert request.old is not None
    if part is not None:
        request.new = part.complete(request.new, request.old, resource)


def _settle_nothing(_: AdmissionRequest) -> None:
    """Connections leave nothing behind."""


def _key(write: Write) -> str:
    """Of a new object; empty without a name, which is refused. Raises BadRequest where there is no namespace."""
    return keys.object_key(write.kind, write.namespace, write.name) if write.name else ""


def _rules(write: Write, strategy: Strategy) -> Rules:
    """What is asked of what is written."""
    return write.context.rules or strategy.rules


def _is_seen_in_one_version(write: Write) -> bool:
    """Whether the object is looked at in a version that somebody chose: whoever deletes need not."""
    return write.deletion is None or write.version is not None


def _seen(write: Write, entry: CachedObject) -> Message:
    """The object that is there, as it is looked at. Raises ConversionNeeded."""
    message = entry.message()
    return custom_in(message, write.seen) if isinstance(message, Custom) and _is_seen_in_one_version(write) else message


def _faults(
    asked: Rules, new: Message, alike: Result | None, own: bytes | None, *, namespaced: bool
) -> tuple[Cause, ...]:
    """What is wrong with a new object; of what it shares with others that is found out once. `own` is it as it is
    stored, where that is known."""
    if alike is None:
        return rules.validate_create(asked, new, None if own is None else len(own), namespaced=namespaced)
    if alike.is_valid:
        return rules.validate_create_alike(asked, new, alike.size_bytes(new), namespaced=namespaced)
    causes = rules.validate_create(asked, new, namespaced=namespaced)
    alike.is_valid = not causes
    return causes


def _is_revision(text: str) -> bool:
    """Whether it names a state of something: Kubernetes takes what is no number, and 0, for nothing."""
    return text.isascii() and text.isdecimal() and int(text) != 0


def _contended(write: Write) -> Conflict:
    return Conflict.of(write.kind.resource, write.name, f"others changed it {write.attempts} times in a row; try again")
