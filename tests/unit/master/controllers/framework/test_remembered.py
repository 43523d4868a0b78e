from __future__ import annotations

from master.controllers.framework import remembered
from podlab.api.objects import key
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.client.informer import Change
from podlab.core.v1.pod_pb2 import Pod
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.spans.spans import Spans


def _owner(generation: int) -> ReplicaSet:
    made = ReplicaSet()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "rs"
    made.metadata.generation = generation
    return made


def _names(spans: Spans, key: str) -> list[tuple[str, str]]:
    return [(each.name, each.detail) for _, each in spans.of([key])]


def test_an_owner_is_seen_when_it_comes_and_when_its_spec_changes_and_not_with_its_status() -> None:
    spans, first, second = Spans(), _owner(1), _owner(2)
    for change in (
        Change(key(first), None, first),
        Change(key(first), first, first),
        Change(key(first), first, second),
    ):
        remembered.owner_changed(spans, change)
    remembered.owner_changed(spans, Change(key(first), second, None))
    assert _names(spans, "rs") == [("seen", ""), ("seen", "")]


def test_what_was_made_is_remembered_with_who_made_it() -> None:
    spans, pod = Spans(clock=lambda: 5.0), Pod()
    pod.metadata.uid = "pod"
    remembered.created(spans, pod, _owner(1), 4.5)
    assert [(each.began_s, each.ended_s) for _, each in spans.of(["pod"])] == [(4.5, 5.0)]
    assert _names(spans, "pod") == [("created", "by ReplicaSet web")]


def test_an_endpoint_is_remembered_once_when_it_is_ready() -> None:
    spans, written = Spans(), EndpointSlice()
    ready, unready = written.endpoints.add(), written.endpoints.add()
    ready.conditions.ready, ready.targetRef.uid = True, "a"
    unready.conditions.ready, unready.targetRef.uid = False, "b"
    remembered.endpoints_written(spans, written, "web", 1.0)
    remembered.endpoints_written(spans, written, "web", 2.0)
    assert _names(spans, "a") == [("endpoints", "web")]
    assert _names(spans, "b") == []
