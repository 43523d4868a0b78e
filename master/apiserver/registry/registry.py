"""Creates, updates and deletes objects of every kind: read from the cache, decide, commit, and again when it raced."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.message import Message

from master.apiserver.admission.admit import Admit, admit_all
from master.apiserver.admission.chain import Admission
from master.apiserver.authentication import deleted_nodes
from master.apiserver.registry import changes, deletion, subresources
from master.apiserver.registry.allocation import Claims
from master.apiserver.registry.strategies import namespaces
from master.apiserver.registry.strategies.table import Strategy
from master.apiserver.registry.subresources import Part
from master.apiserver.registry.template_memo import Alike
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import Entry
from master.store.contract import Delete, Put
from master.store.errors import Mismatch
from podlab.api import kinds, names, objects, times, weight
from podlab.api.kinds import Kind
from podlab.api.objects import Key
from podlab.core.v1 import namespace_pb2, node_pb2, service_pb2
from podlab.errors import AlreadyExists, BadRequest, Conflict, Forbidden, Invalid, NotFound
from podlab.kinds import builtin, validation
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

ATTEMPTS = 16
# A patch is tried again so many times: it is computed anew each time.
PATCH_ATTEMPTS = 1 + 5
_GENERATED_NAMES = 8


Alongside = Callable[[Message, Message], list[Put | Delete]]
"""Takes the object that is deleted, as it is and as it becomes, and returns what must be committed with it. It may say
more in the latter. Raises what refuses the deletion."""


def _nothing_else(current: Message, going: Message) -> list[Put | Delete]:
    """What a plain deletion brings along."""
    return []


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object as it was or as it waits, and whether it is gone."""

    entry: Entry
    removed: bool


class Registry:
    """The messages given to it become its own. What it returns is encoded."""

    def __init__(
        self,
        cache: Cache,
        strategies: Mapping[str, Strategy],
        claims: Claims,
        admission: Admission,
        clock: Callable[[], meta_pb2.Time] = times.now,
    ) -> None:
        self._cache = cache
        self._strategies = strategies
        self._claims = claims
        self._admission = admission
        self._alike = Alike(admission)
        self._clock = clock

    async def get(self, kind: Kind, namespace: str, name: str) -> Entry:
        """Raises NotFound."""
        key = keys.object_key(kind, namespace, name)
        await self._cache.catch_up()
        entry = self._cache.get(kind, key)
        if entry is None:
            raise NotFound.of(kind.resource, name)
        return entry

    async def create(self, message: Message, *, dry_run: bool = False, admit: Admit = admit_all) -> Entry:
        """Raises AlreadyExists, Invalid, NotFound (its namespace), Forbidden (its namespace goes, or not admitted)."""
        kind, metadata = kinds.of(message), _metadata(message)
        if _is_revision(metadata.resourceVersion):
            raise BadRequest("metadata.resourceVersion: should not be set on objects to be created")
        metadata.resourceVersion = ""
        generated = bool(metadata.generateName and not metadata.name)
        sent = message
        weight.check_message(message)
        await self._cache.catch_up()
        for attempt in range(1, _GENERATED_NAMES + 1):
            if generated:
                message = _copied(sent)  # an attempt leaves its name in what it makes of the object
                _metadata(message).name = names.generate(metadata.generateName)
            try:
                return await self._create(kind, message, dry_run, admit)
            except AlreadyExists:
                if not generated or attempt == _GENERATED_NAMES:
                    raise
        raise AssertionError("unreachable")

    async def update(
        self, message: Message, *, part: Part = subresources.WHOLE, dry_run: bool = False, admit: Admit = admit_all
    ) -> Entry:
        """Replace all but status, or a part. Raises NotFound, Conflict, Invalid, Forbidden, BadRequest for a status of
        a kind without one."""
        at = objects.key(message)
        return await self._change(kinds.of(message), at, lambda _: message, part=part, dry_run=dry_run, admit=admit)

    async def update_status(self, message: Message, *, dry_run: bool = False, admit: Admit = admit_all) -> Entry:
        """Replace status alone. Raises what `update` does."""
        return await self.update(message, part=subresources.STATUS, dry_run=dry_run, admit=admit)

    async def patch(
        self,
        at: Key,
        applied: Callable[[Message], Message],
        *,
        part: Part = subresources.WHOLE,
        dry_run: bool = False,
        admit: Admit = admit_all,
    ) -> Entry:
        """Update, or update a part, to what a patch makes of the object as it stands. Raises what these do."""
        kind = builtin.catalog().resource(at.group_kind).kind
        return await self._change(kind, at, applied, part=part, dry_run=dry_run, admit=admit, attempts=PATCH_ATTEMPTS)

    async def delete(
        self, request: apiserver_pb2.DeleteRequest, *, admit: Admit = admit_all, alongside: Alongside = _nothing_else
    ) -> Deleted:
        """Mark or remove. Raises NotFound, Conflict (a precondition, or a Namespace that is not empty), Forbidden."""
        kind = kinds.by_name(request.kind)
        if kind.name == "Namespace" and request.name in namespaces.PERMANENT:
            raise Forbidden(f'namespaces "{request.name}" is forbidden: this namespace may not be deleted')
        if request.propagation_policy not in apiserver_pb2.PropagationPolicy.values():
            known = ", ".join(apiserver_pb2.PropagationPolicy.keys())
            raise BadRequest(f"propagation_policy: {request.propagation_policy} is none of {known}")
        for _ in range(ATTEMPTS):
            entry = await self.get(kind, request.namespace, request.name)
            current = entry.message()
            changes.check_preconditions(current, request.uid, request.resource_version)
            admit(None, current)
            self._admission.judge_deletion(current)
            outcome = deletion.decide(current, self._strategies[kind.name], request, self._clock())
            besides = alongside(current, outcome.message)
            if request.dry_run or (not outcome.removed and outcome.message == current):
                return Deleted(entry, outcome.removed)
            try:
                return await self._settle(entry, current, outcome.message, besides=besides)
            except Mismatch as error:
                await self._caught_up_after(error)
        raise _contended(kind, request.name)

    async def _create(self, kind: Kind, message: Message, dry_run: bool, admit: Admit) -> Entry:
        metadata = _metadata(message)
        key = keys.object_key(kind, metadata.namespace, metadata.name) if metadata.name else ""  # which is refused
        strategy = self._strategies[kind.name]
        self._check_home(kind, message)
        changes.begin(message, strategy, str(uuid.uuid4()), self._clock(), self._alike.finish)
        for _ in range(ATTEMPTS):
            candidate, claims = self._claimed(message, None, strategy)
            if causes := validation.validate_create(candidate):
                raise Invalid.of(kind.qualified_name, metadata.name, causes)
            admit(candidate, None)
            self._admission.judge(candidate, None)
            if self._cache.get(kind, key) is not None:
                raise AlreadyExists.of(kind.resource, metadata.name)
            value = candidate.SerializeToString()
            if dry_run:
                self._admission.quotas.charge(candidate, None)
                return Entry(kind, key, value, 0)
            try:
                revision = await self._commit([Put(key, value, 0), *claims, *_beside(candidate)], candidate, None)
            except Mismatch as error:
                if error.key == key:
                    raise AlreadyExists.of(kind.resource, metadata.name) from error
                await self._caught_up_after(error)
                self._check_home(kind, message)
            else:
                return Entry(kind, key, value, revision)
        raise _contended(kind, metadata.name)

    async def _change(
        self,
        kind: Kind,
        at: Key,
        sent: Callable[[Message], Message],
        *,
        part: Part = subresources.WHOLE,
        dry_run: bool = False,
        admit: Admit,
        attempts: int = ATTEMPTS,
    ) -> Entry:
        """Commit what is made of the object that is there and of what is sent for it, which may depend on it."""
        of_status = part.subresource == subresources.STATUS.subresource
        if of_status and not kind.has_status:
            raise BadRequest(f"{kind.plural} have no status")
        strategy = self._strategies[kind.name]
        for _ in range(attempts):
            entry = await self.get(kind, at.namespace, at.name)
            old = entry.message()
            message = sent(old)
            weight.check_message(message)
            changes.check_preconditions(old, _metadata(message).uid, _metadata(message).resourceVersion)
            new, claims = self._claimed(part.changed(message, old, strategy), old, strategy)
            if causes := part.validate(new, old):
                raise Invalid.of(kind.qualified_name, at.name, causes)
            admit(new, old)
            if not of_status:
                self._admission.judge(new, old)
            if new == old:
                return entry
            if dry_run:
                self._admission.quotas.charge(new, old)
                return Entry(kind, entry.key, _stored(new), entry.revision)
            try:
                return (await self._settle(entry, old, new, claims=claims)).entry
            except Mismatch as error:
                await self._caught_up_after(error)  # with a resourceVersion, the next attempt finds it stale
        raise _contended(kind, at.name, attempts)

    async def _settle(
        self,
        entry: Entry,
        old: Message,
        new: Message,
        *,
        claims: Sequence[Put | Delete] = (),
        besides: Sequence[Put | Delete] = (),
    ) -> Deleted:
        """Write what an object has become, or remove it, with its claims, when nothing holds it any more."""
        if not deletion.is_finished(new):
            if isinstance(new, namespace_pb2.Namespace) and isinstance(old, namespace_pb2.Namespace):
                claims = namespaces.closing(new, old)
            value = _stored(new)
            revision = await self._commit([Put(entry.key, value, entry.revision), *claims, *besides], new, old)
            return Deleted(Entry(entry.kind, entry.key, value, revision), removed=False)
        released: list[Put | Delete] = []
        if isinstance(new, namespace_pb2.Namespace):
            self._check_empty(new.metadata.name)
            released = namespaces.closed(new.metadata.name)
        elif isinstance(old, service_pb2.Service):
            released = self._claims.release(old)
        elif isinstance(old, node_pb2.Node):
            released = [*deleted_nodes.departing(old.metadata.name, self._clock())]
        revision = await self._commit([Delete(entry.key, entry.revision), *released, *besides], None, old)
        return Deleted(Entry(entry.kind, entry.key, _stored(new), revision), removed=True)

    async def _commit(self, operations: list[Put | Delete], new: Message | None, old: Message | None) -> int:
        """Write, and charge the quotas that count it in the same commit. Raises Forbidden, Mismatch."""
        quotas, store = self._admission.quotas, self._cache.store
        if not quotas.concern(new, old):
            return await store.commit(operations)
        about = new if new is not None else old
        async with quotas.turn(_metadata(about).namespace):
            return await store.commit([*operations, *quotas.charge(new, old)])

    def _claimed(self, message: Message, old: Message | None, strategy: Strategy) -> tuple[Message, list[Put | Delete]]:
        """The message with its addresses and ports filled in, and what must be committed with it."""
        if not strategy.claims or not isinstance(message, service_pb2.Service):
            return message, []
        candidate = service_pb2.Service()
        candidate.CopyFrom(message)
        return candidate, self._claims.take(candidate, cast("service_pb2.Service | None", old))

    def _check_home(self, kind: Kind, message: Message) -> None:
        if kind.namespaced:
            self._admission.check_home(message)

    def _check_empty(self, namespace: str) -> None:
        """A namespace goes last, or what is in it could never be reached again."""
        left = {
            kind.plural: len(self._cache.window(kind).ordered(keys.scope_prefix(kind, namespace)))
            for kind in kinds.KINDS
            if kind.namespaced
        }
        if any(left.values()):
            told = ", ".join(f"{count} {plural}" for plural, count in left.items() if count)
            raise Conflict.of("namespaces", namespace, f"it still holds {told}; they go first")

    async def _caught_up_after(self, error: Mismatch) -> None:
        await self._cache.reach(error.found)
        await self._cache.catch_up()


def _metadata(message: Any) -> meta_pb2.ObjectMeta:
    return cast(meta_pb2.ObjectMeta, message.metadata)


def _is_revision(text: str) -> bool:
    """Whether it names a state of something: Kubernetes takes what is no number, and 0, for nothing."""
    return text.isascii() and text.isdecimal() and int(text) != 0


def _copied(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _beside(message: Message) -> list[Put | Delete]:
    """What is committed with a new object."""
    if isinstance(message, namespace_pb2.Namespace):
        return namespaces.opening(message)
    namespace = _metadata(message).namespace
    return [namespaces.still_open(namespace)] if namespace else []


def _stored(message: Message) -> bytes:
    """The bytes to store, without the resourceVersion."""
    _metadata(message).resourceVersion = ""
    return message.SerializeToString()


def _contended(kind: Kind, name: str, attempts: int = ATTEMPTS) -> Conflict:
    return Conflict.of(kind.resource, name, f"others changed it {attempts} times in a row; try again")
