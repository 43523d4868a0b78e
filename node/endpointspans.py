"""Remembers when this node saw that an endpoint of a Service is ready, and when it had acted on that."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.spans import keys
from podlab.spans.spans import Spans


class EndpointSpans:
    """Of an agent that writes in passes: `begin` each of them, and say when all that was seen before is `done`. A pass
    that fails is not: what it was to do is done by the next one."""

    def __init__(self, name: str) -> None:
        """`name` is what the spans are called."""
        self.spans = Spans()
        self._name = name
        self._seen: dict[tuple[str, str], float] = {}
        self._begun: dict[tuple[str, str], float] = {}

    def ready(self, namespace: str, service: str, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        """A slice of the Service has changed: which of its endpoints are ready now and were not."""
        before = set(_ready(old))
        for address in _ready(new):
            if address not in before:
                self.seen(namespace, service, address)

    def seen(self, namespace: str, service: str, address: str = "") -> None:
        """The endpoint is to be acted on, or the Service itself."""
        self._seen.setdefault((keys.endpoint(namespace, service, address), service), self.spans.now())

    def begin(self) -> None:
        """A pass acts on all that has been seen."""
        if self._seen:
            self._begun = {**self._seen, **self._begun}
            self._seen = {}

    def done(self) -> None:
        """Nothing of what the pass was to do is left."""
        if not self._begun:
            return
        ended_s = self.spans.now()
        for (key, service), began_s in self._begun.items():
            self.spans.note(key, self._name, began_s, ended_s, service)
        self._begun = {}


def _ready(one: EndpointSlice | None) -> Iterator[str]:
    """Of an endpoint whose condition is not known clients are to think that it is ready."""
    for each in one.endpoints if one is not None else ():
        if each.conditions.ready or not each.conditions.HasField("ready"):
            yield from each.addresses
