"""Bytes in Kubernetes' envelope, and what the audit log makes of them."""

from __future__ import annotations

import orjson
import pytest
from podlab_testing.wire_format import blob

from master.apiserver.rest.content import protobuf, protobuf_answers
from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.core.v1.config_pb2 import ConfigMap

KIND = kinds.of(ConfigMap)
SAMPLE = ConfigMap(metadata={"name": "a", "labels": {"x": "y"}}, data={"k": "v"})
RAW = SAMPLE.SerializeToString()


def test_an_object_is_read_as_it_was_written() -> None:
    body = protobuf_answers.enveloped("v1", "ConfigMap", RAW)
    assert body == b"k8s\x00" + blob(1, blob(1, "v1"), blob(2, "ConfigMap")) + blob(2, RAW)
    read = protobuf.read(body, KIND)
    assert (read.message, read.said) == (SAMPLE, {"apiVersion": "v1", "kind": "ConfigMap"})


def test_the_audit_log_reads_objects_lists_and_metadata() -> None:
    one = protobuf_answers.enveloped("v1", "ConfigMap", RAW)
    assert orjson.loads(protobuf_answers.as_json(one, KIND)) == codec.to_dict(SAMPLE)
    listed = protobuf_answers.listed({"resourceVersion": "7", "remainingItemCount": 3}, [RAW, RAW])
    told = orjson.loads(protobuf_answers.as_json(protobuf_answers.enveloped("v1", "ConfigMapList", listed), KIND))
    assert told["metadata"] == {"resourceVersion": "7", "remainingItemCount": 3}
    assert told["items"] == [codec.to_dict(SAMPLE)] * 2
    partial = protobuf_answers.enveloped("meta.k8s.io/v1", "PartialObjectMetadata", protobuf_answers.partial(SAMPLE))
    told = orjson.loads(protobuf_answers.as_json(partial, KIND))
    assert (told["kind"], told["metadata"], "data" in told) == (
        "PartialObjectMetadata",
        {"name": "a", "labels": {"x": "y"}},
        False,
    )


def test_an_event_stands_behind_its_length() -> None:
    body = protobuf_answers.enveloped("v1", "ConfigMap", RAW)
    told = blob(1, "ADDED") + blob(2, blob(1, body))
    assert protobuf_answers.event("ADDED", body) == len(told).to_bytes(4, "big") + told


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "Table", "apiVersion": "meta.k8s.io/v1"},
        {"kind": "APIGroupList", "apiVersion": "v1"},
        [1],
        {"kind": "X"},
    ],
)
def test_what_has_no_such_form_stays_json(data: object) -> None:
    assert protobuf_answers.of_json(orjson.dumps(data)) is None
