"""What is too much to be read is refused for what it is made of."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest

from podlab.api.serializer import weight
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import RequestTooLarge

RIGHT: list[Any] = [
    {"data": {f"key-{number}": "" for number in range(45_000)}},
    {"data": {"file": '{"a": [1, 2, {}], "b": "\\"x,{,"},' * 60_000}},
    {"items": list(range(45_000))},
    {"x": [[]] * 9_000},
]
TOO_MUCH: list[Any] = [
    {"metadata": {"ownerReferences": [{}] * 700_000}},
    {"spec": {"containers": [{"name": "x"}] * 180_000}},
    {"data": {str(number): "" for number in range(200_000)}},
    {"x": [[]] * 30_000},
]


@pytest.mark.parametrize("data", RIGHT)
def test_large_objects_that_make_sense_pass(data: Any) -> None:
    weight.check_json(json.dumps(data).encode())
    weight.check_json(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("data", TOO_MUCH)
def test_what_is_made_of_too_much_is_refused(data: Any) -> None:
    with pytest.raises(RequestTooLarge, match="50000 values"):
        weight.check_json(json.dumps(data).encode())


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 1_400_000, b"{" * 2_900_000, b'{"' * 1_400_000, b"\\" * 2_900_000])
def test_text_that_is_no_json_is_looked_at_once(text: bytes) -> None:
    begun = time.process_time()
    with contextlib.suppress(RequestTooLarge):
        weight.check_json(text)
    assert time.process_time() - begun < 1


def endpoint() -> endpointslice_pb2.Endpoint:
    made = endpointslice_pb2.Endpoint(addresses=["10.0.0.1"], nodeName="n1", zone="a", hostname="h")
    made.conditions.ready = made.conditions.serving = True
    made.targetRef.kind, made.targetRef.name, made.targetRef.uid = "Pod", "web", "u"
    return made


def test_messages_are_weighed_as_json_is() -> None:
    weight.check_message(config_pb2.ConfigMap(data={str(number): "" for number in range(45_000)}))
    weight.check_message(endpointslice_pb2.EndpointSlice(endpoints=[endpoint()] * 1000))
    pod = pod_pb2.Pod()
    for _ in range(9_000):
        pod.spec.containers.add()
    weight.check_message(pod)
    for _ in range(2_000):
        pod.spec.containers.add()
    with pytest.raises(RequestTooLarge):
        weight.check_message(pod)
    with pytest.raises(RequestTooLarge):
        weight.check_message(config_pb2.ConfigMap(data={str(number): "" for number in range(60_000)}))
