"""What clients of several API servers see while these are broken, written down so that it can be judged afterwards.

Registers are ConfigMaps that all clients read, write, compare and swap, create and delete, and only for a short time
each: of what nobody knows how it ended there are then few in each history. Beside them everybody adds objects that
nobody deletes, and one watch at each server follows everything.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.errors import AlreadyExists, ApiError, Conflict, Expired, NotFound
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab_testing.linearizability import NEVER, Operation, Read, Swap, Violation, Write, violation

T = TypeVar("T")
REGISTERS, REGISTER_S = 3, 10.0
ANSWERED_WITHIN_S = 8.0
SETTLED_WITHIN_S = 60.0
PAUSE_S = 0.05
AGAIN_S = 0.25
VALUE = "value"
# How often each is done.
ACTS = {"read": 45, "swap": 25, "add": 10, "create": 10, "write": 5, "delete": 5}


@dataclass(frozen=True)
class Seen:
    """One event of a watch."""

    revision: int
    type: str
    name: str
    value: str


@dataclass
class Watched:
    """What one watch told: `parts` are without a gap each, from a revision that it began after."""

    parts: list[tuple[int, list[Seen]]] = field(default_factory=list)

    @property
    def last(self) -> int:
        began, events = self.parts[-1]
        return events[-1].revision if events else began


@dataclass
class Histories:
    """`pinned` are clients of one server each, `floating` those of all. What is written down is told by `wrong`."""

    pinned: Sequence[Client]
    floating: Sequence[Client]
    namespace: str
    chance: random.Random
    registers: defaultdict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    added: dict[str, int] = field(default_factory=dict)
    """Those whose addition was acknowledged, with their revisions."""
    written: dict[int, str] = field(default_factory=dict)
    """Every acknowledged revision with the name of what it wrote."""
    tried: set[str] = field(default_factory=set)
    watched: list[Watched] = field(default_factory=list)
    unknown: int = 0
    silent_s: float = 0.0
    """The longest time for which a floating client had no answer."""
    _began_s: float = field(default_factory=time.monotonic)
    _known: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _count: int = 0
    _over: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.floating[0].create(Namespace(metadata=ObjectMeta(name=self.namespace)))
        start = (await self.floating[0].list(ConfigMap, self.namespace)).resource_version
        self.watched = [Watched([(int(start), [])]) for _ in self.pinned]
        watching = [asyncio.create_task(self._watch(*each)) for each in zip(self.pinned, self.watched, strict=True)]
        named = [(f"pinned-{number}", each) for number, each in enumerate(self.pinned)]
        named += [(f"floating-{number}", each) for number, each in enumerate(self.floating)]
        acting = [asyncio.create_task(self._act(name, client)) for name, client in named]
        try:
            yield
            self._over = True  # and each ends what it is doing: what is cancelled may have happened or not
            await asyncio.gather(*acting)
            await self._settle()
        finally:
            await _end([*acting, *watching])

    async def _act(self, who: str, client: Client) -> None:
        answered_s = time.monotonic()
        acts: dict[str, Callable[[str, Client, str], Awaitable[bool]]] = {
            "read": self._read,
            "swap": self._swap,
            "add": self._add,
            "create": self._create,
            "write": self._write,
            "delete": self._delete,
        }
        while not self._over:
            (act,) = self.chance.choices(list(ACTS), list(ACTS.values()))
            period = int((time.monotonic() - self._began_s) / REGISTER_S)
            key = f"register-{period}-{self.chance.randrange(REGISTERS)}"
            if await acts[act](who, client, key):
                if client in self.floating:
                    self.silent_s = max(self.silent_s, time.monotonic() - answered_s)
                await asyncio.sleep(PAUSE_S)
                answered_s = time.monotonic()
            else:
                await asyncio.sleep(AGAIN_S)

    async def _read(self, who: str, client: Client, key: str) -> bool:
        called = time.monotonic()
        try:
            found = await _answered(client.get(ConfigMap, key, self.namespace))
        except NotFound:
            self.registers[key].append(Read(client=who, called=called, returned=time.monotonic(), found=None))
            return True
        except (ApiError, TimeoutError):
            return False
        value = found.data[VALUE]
        self.registers[key].append(Read(client=who, called=called, returned=time.monotonic(), found=value))
        self._known[who, key] = value, found.metadata.resourceVersion
        return True

    async def _swap(self, who: str, client: Client, key: str) -> bool:
        if (who, key) not in self._known:
            return await self._read(who, client, key)
        expected, revision = self._known.pop((who, key))
        value, called, done = self._value(), time.monotonic(), None
        try:
            await self._put(client.update(self._config_map(key, value, revision)))
            done = True
        except (Conflict, NotFound):
            done = False
        except (ApiError, TimeoutError):
            self.unknown += 1
        self.registers[key].append(
            Swap(client=who, called=called, returned=_now(done), expected=expected, value=value, done=done)
        )
        return done is not None

    async def _create(self, who: str, client: Client, key: str) -> bool:
        value, called, done = self._value(), time.monotonic(), None
        try:
            await self._put(client.create(self._config_map(key, value)))
            done = True
        except AlreadyExists:
            done = False
        except (ApiError, TimeoutError):
            self.unknown += 1
        self.registers[key].append(
            Swap(client=who, called=called, returned=_now(done), expected=None, value=value, done=done)
        )
        return done is not None

    async def _write(self, who: str, client: Client, key: str) -> bool:
        value = self._value()
        return await self._set(who, key, value, self._put(client.update(self._config_map(key, value))))

    async def _delete(self, who: str, client: Client, key: str) -> bool:
        return await self._set(who, key, None, _answered(client.delete(ConfigMap, key, self.namespace)))

    async def _set(self, who: str, key: str, value: str | None, call: Awaitable[object]) -> bool:
        """Whatever the register's value is; where there is none, there is none afterwards either."""
        called, done = time.monotonic(), None
        try:
            await call
            done = True
        except NotFound:
            self.registers[key].append(Read(client=who, called=called, returned=time.monotonic(), found=None))
            return True
        except (ApiError, TimeoutError):
            self.unknown += 1
        self.registers[key].append(Write(client=who, called=called, returned=_now(done), value=value))
        return done is not None

    async def _add(self, who: str, client: Client, key: str) -> bool:
        """An object of its own, that nobody deletes."""
        value = self._value()
        name = f"added-{value}"
        self.tried.add(name)
        try:
            self.added[name] = await self._put(client.create(self._config_map(name, value)))
        except (ApiError, TimeoutError):
            return False
        return True

    async def _put(self, call: Awaitable[ConfigMap]) -> int:
        """The revision at which it is stored."""
        stored = (await _answered(call)).metadata
        self.written[int(stored.resourceVersion)] = stored.name
        return int(stored.resourceVersion)

    def _value(self) -> str:
        self._count += 1
        return str(self._count)

    def _config_map(self, name: str, value: str, revision: str = "") -> ConfigMap:
        metadata = ObjectMeta(name=name, namespace=self.namespace, resourceVersion=revision)
        return ConfigMap(metadata=metadata, data={VALUE: value})

    async def _watch(self, client: Client, watched: Watched) -> None:
        """On from where it was, whatever ends it; anew from a list where the server does not know that any more."""
        while True:
            try:
                async for events in client.watch(ConfigMap, str(watched.last), self.namespace):
                    for event in events:
                        if event.object is not None:
                            name, value = event.object.metadata.name, event.object.data.get(VALUE, "")
                            seen = Seen(int(event.resource_version), event.type, name, value)
                            watched.parts[-1][1].append(seen)
            except Expired:
                try:
                    listed = await _answered(client.list(ConfigMap, self.namespace))
                    watched.parts.append((int(listed.resource_version), []))
                except (ApiError, TimeoutError):
                    pass  # the next watch says again that it is too old
            except (ApiError, TimeoutError):
                pass
            await asyncio.sleep(AGAIN_S)

    async def _settle(self) -> None:
        """Every server is asked for every register, and every watch has come to the last of all writes."""
        ends_s = time.monotonic() + SETTLED_WITHIN_S
        for key in list(self.registers):
            for number, client in enumerate(self.pinned):
                while not await self._read(f"pinned-{number}", client, key):
                    assert time.monotonic() < ends_s, f"server {number} does not tell {key}"
        last = max(self.written)
        while any(each.last < last for each in self.watched):
            assert time.monotonic() < ends_s, f"a watch has not come to {last}: {[each.last for each in self.watched]}"
            await asyncio.sleep(0.1)

    async def wrong(self) -> list[str]:
        """All that no order of what happened explains."""
        found = []
        for key, history in sorted(self.registers.items()):
            against = await asyncio.to_thread(violation, history)
            found += [f"{key}: {against}"] if isinstance(against, Violation) else []
        for number, client in enumerate(self.pinned):
            there = {each.metadata.name for each in (await client.list(ConfigMap, self.namespace)).items}
            found += [f"{name} was acknowledged, and server {number} has it not" for name in self.added.keys() - there]
            strange = {name for name in there if name.startswith("added-")} - self.tried
            found += [f"server {number} has {name}, which nobody added" for name in strange]
        return [*found, *wrong_watches(self.watched, self.written)]

    def __str__(self) -> str:
        operations = sum(map(len, self.registers.values()))
        again = sum(len(each.parts) - 1 for each in self.watched)
        events = sum(len(events) for each in self.watched for _, events in each.parts)
        return (
            f"{operations} operations on {len(self.registers)} registers, {self.unknown} of them in doubt; "
            f"{len(self.added)} objects added; {events} events seen, {again} watches begun anew from a list; "
            f"longest without an answer for a client of all servers: {self.silent_s:.1f} s"
        )


def wrong_watches(watched: Sequence[Watched], written: dict[int, str]) -> list[str]:
    """Repeats, steps back, what two watches tell differently, and gaps: of what others saw or what was acknowledged."""
    found, told = [], dict[int, Seen]()
    for number, each in enumerate(watched):
        for began, events in each.parts:
            revisions = [began, *(event.revision for event in events)]
            if revisions != sorted(set(revisions)):
                found.append(f"watch {number} steps back or repeats: {revisions}")
            for event in events:
                if told.setdefault(event.revision, event) != event:
                    found.append(f"watch {number} tells {event}, another one {told[event.revision]}")
    happened = told.keys() | written.keys()
    for number, each in enumerate(watched):
        for began, events in each.parts:
            ended = events[-1].revision if events else began
            gap = {revision for revision in happened if began < revision <= ended} - {e.revision for e in events}
            found += [f"watch {number} leaves out {revision} ({written.get(revision)})" for revision in sorted(gap)]
    return found


async def _answered(call: Awaitable[T]) -> T:
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        return await call


def _now(done: bool | None) -> float:
    """When an operation returned."""
    return NEVER if done is None else time.monotonic()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
