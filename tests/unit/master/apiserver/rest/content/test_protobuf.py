import pytest
from podlab_testing import builtin_kinds

from master.apiserver.rest.content import protobuf
from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.core.v1 import binding_pb2, config_pb2
from podlab.errors import BadRequest
from podlab.meta.v1 import meta_pb2

MAP, DELETE_OPTIONS = builtin_kinds.named("ConfigMap"), kinds.of(meta_pb2.DeleteOptions)
META = b"\x0a\x0f\x0a\x02v1\x12\x09ConfigMap"


def enveloped(raw: bytes) -> bytes:
    return b"k8s\x00" + META + b"\x12" + bytes([len(raw)]) + raw


def test_an_object_is_read_with_its_kind() -> None:
    raw = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="a"), data={"k": "v"}).SerializeToString()
    data = protobuf.read(enveloped(raw), MAP).data()
    assert (data["apiVersion"], data["kind"], data["data"]) == ("v1", "ConfigMap", {"k": "v"})


def test_what_go_writes_for_fields_that_nobody_set_is_nothing() -> None:
    read = protobuf.read(enveloped(b"\x0a\x02\x42\x00\xf2\x07\x00"), MAP)
    codec.settle(read.message, read.said, MAP)
    assert read.data()["metadata"] == {} or "creationTimestamp" not in read.data()["metadata"]


def test_delete_options_are_read() -> None:
    raw = b"\x08\x1e\x12\x03\x0a\x01u\x22\x06Orphan\x2a\x03All"
    assert protobuf.read(enveloped(raw), DELETE_OPTIONS).data() == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "gracePeriodSeconds": 30,
        "preconditions": {"uid": "u"},
        "propagationPolicy": "Orphan",
        "dryRun": ["All"],
    }
    ages_ago = protobuf.read(enveloped(b"\x08" + b"\xff" * 9 + b"\x01"), DELETE_OPTIONS).data()
    assert ages_ago["gracePeriodSeconds"] == -1


def test_a_field_that_nobody_knows_is_refused_by_number() -> None:
    with pytest.raises(BadRequest, match="field number 126"):
        protobuf.read(enveloped(b"\xf2\x07\x01a"), MAP)


@pytest.mark.parametrize("body", [b"", b"k8s", b"{}", b"k8s\x00\xff", enveloped(b"\x0a\x05a")])
def test_other_bytes_are_refused(body: bytes) -> None:
    if body == b"k8s\x00\xff" or body.startswith(b"k8s\x00\x0a"):
        with pytest.raises(BadRequest, match="malformed protobuf"):
            protobuf.read(body, MAP)
    else:
        with pytest.raises(BadRequest, match="not Kubernetes' protobuf"):
            protobuf.read(body, MAP)


def test_a_binding_is_read() -> None:
    raw = binding_pb2.Binding(target={"kind": "Node", "name": "n1"}).SerializeToString()  # type: ignore[arg-type]
    read = protobuf.read(enveloped(raw), kinds.of(binding_pb2.Binding))
    assert read.data()["target"] == {"kind": "Node", "name": "n1"}


def wrapped(raw: bytes, levels: int) -> bytes:
    """The bytes as what so many messages, one in the other, hold."""
    for _ in range(levels):
        size, length = bytearray(), len(raw)
        while length > 0x7F:
            size.append(length & 0x7F | 0x80)
            length >>= 7
        raw = b"\x0a" + bytes(size) + bytes([length]) + raw
    return raw


def unknown(raw: bytes) -> bytes:
    """A ConfigMap with the bytes as a field that nobody knows."""
    return b"k8s\x00\x12" + wrapped(b"\xf2\x07" + wrapped(raw, 1)[1:], 1)[1:]


def test_nothing_may_be_wrapped_as_often_as_a_body_has_room_for() -> None:
    assert protobuf.read(unknown(wrapped(b"\x08\x00", 50_000)), MAP).data()["kind"] == "ConfigMap"
    with pytest.raises(BadRequest, match="field number 126"):
        protobuf.read(unknown(wrapped(b"\x08\x01", 50_000)), MAP)


@pytest.mark.parametrize(
    "raw", [b"\x08", b"\x08\x80", b"\x08" + b"\x80" * 11, b"\x0a\x05\x08\x00", b"\x0d\x00\x00\x00\x00"]
)
def test_what_is_no_empty_message_is_not_nothing(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="field number 126"):
        protobuf.read(unknown(raw), MAP)


@pytest.mark.parametrize("envelope", [b"", b"\x0a\x00", b"\x78\x9c\x63"])
def test_an_envelope_without_an_object_is_refused(envelope: bytes) -> None:
    with pytest.raises(BadRequest, match="there is no object in its envelope"):
        protobuf.read(b"k8s\x00" + envelope, builtin_kinds.named("Pod"))
