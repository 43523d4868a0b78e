"""Which pods a Service selects, and which Services hear of a pod."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from master.controllers.framework.informers import Informers
from master.controllers.network.slices.podselection import PodSelection
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key
from podlab.client.client import Client, WatchEvent
from podlab.client.workqueue import WorkQueue
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import ObjectMeta

MARKER = Key(GroupKind("", "Service"), "one", "marker")
NAMESPACES = ("one", "two")
LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
PLACED = st.lists(st.tuples(st.sampled_from(NAMESPACES), LABELS), max_size=8)


@given(PLACED, PLACED, st.randoms(use_true_random=False))
def test_selected_are_the_pods_of_its_namespace_that_have_all_its_labels(
    pods: list[tuple[str, dict[str, str]]], services: list[tuple[str, dict[str, str]]], chance: Any
) -> None:
    async def check() -> None:
        informers, queue = Informers(cast(Client, None)), WorkQueue[Key]()
        selection = PodSelection(informers, queue)
        for number, (namespace, wanted) in enumerate(services):
            _show(informers.services, _service(f"s{number}", namespace, wanted))
        for number, (namespace, labels) in enumerate(pods):
            _show(informers.pods, _pod(f"p{number}", namespace, labels))
        changed = [
            _pod(f"p{number}", namespace, chance.choice(pods)[1], revision="2")
            for number, (namespace, _) in enumerate(pods)
        ]
        for pod in changed:
            _show(informers.pods, pod)
        for service in informers.services.list():
            expected = {pod.metadata.name for pod in changed if _selects(service, pod)}
            assert {pod.metadata.name for pod in selection.pods(service)} == expected

    asyncio.run(check())


@given(LABELS, LABELS, LABELS)
def test_a_pod_that_changes_its_labels_is_told_to_those_that_selected_it_and_those_that_do(
    before: dict[str, str], after: dict[str, str], wanted: dict[str, str]
) -> None:
    async def check() -> None:
        informers, queue = Informers(cast(Client, None)), WorkQueue[Key]()
        PodSelection(informers, queue)
        service = _service("s", "one", wanted)
        _show(informers.services, service)
        old, new = _pod("p", "one", before), _pod("p", "one", after, revision="2")
        _show(informers.pods, old)
        await _heard(queue)
        _show(informers.pods, new)
        told = before != after and (_selects(service, old) or _selects(service, new))
        assert await _heard(queue) == ([key(service)] if told else [])

    asyncio.run(check())


async def _heard(queue: WorkQueue[Key]) -> list[Key]:
    """What comes into the queue before a key that is added now."""
    queue.add_after(MARKER, 0.001)  # a delay of nothing is one all the same
    found: list[Key] = []
    while (at := await queue.get()) != MARKER:
        found.append(at)
        queue.done(at)
    queue.done(MARKER)
    return found


def _selects(service: Service, pod: Pod) -> bool:
    wanted = service.spec.selector
    same = service.metadata.namespace == pod.metadata.namespace
    return bool(wanted) and same and all(pod.metadata.labels.get(name) == wanted[name] for name in wanted)


def _show(informer: Any, obj: Pod | Service) -> None:
    informer._take(WatchEvent("MODIFIED", obj, obj.metadata.resourceVersion))


def _pod(name: str, namespace: str, labels: dict[str, str], revision: str = "1") -> Pod:
    return Pod(metadata=ObjectMeta(name=name, namespace=namespace, labels=labels, resourceVersion=revision))


def _service(name: str, namespace: str, wanted: dict[str, str]) -> Service:
    made = Service(metadata=ObjectMeta(name=name, namespace=namespace, resourceVersion="1"))
    made.spec.selector.update(wanted)
    return made
