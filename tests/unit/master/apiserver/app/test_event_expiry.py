from __future__ import annotations

from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry

from master.apiserver.app.event_expiry import EVENT_LIFE_S, EventExpiry
from master.apiserver.watchcache.cache import Cache
from podlab.core.v1 import event_pb2, namespace_pb2
from podlab.meta.v1 import meta_pb2


async def test_events_go_an_hour_after_they_were_last_seen(cache: Cache, registry: WritableRegistry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))
    created_s = 0
    for number in range(450):
        event = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name=f"e{number}", namespace="default"))
        event.involvedObject.namespace = "default"
        entry = await registry.create(event)
        created_s = entry.message().metadata.creationTimestamp.seconds  # type: ignore[attr-defined]
    seen = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name="seen-again", namespace="default"))
    seen.involvedObject.namespace = "default"
    seen.lastTimestamp.seconds = created_s + 100
    await registry.create(seen)
    await cache.catch_up()
    now = meta_pb2.Time(seconds=created_s + EVENT_LIFE_S)
    expiry = EventExpiry(cache, lambda: now)
    assert await expiry.expire() < 451
    now.seconds += 1
    await expiry.expire()
    await cache.catch_up()
    left = cache.window(builtin_kinds.named("Event")).entries
    assert [key.rpartition("/")[2] for key in left] == ["seen-again"]
