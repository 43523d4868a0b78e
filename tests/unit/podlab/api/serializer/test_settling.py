"""A message that came as bytes becomes what JSON of the same content becomes: held against that, for all kinds."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from podlab_testing import builtin_kinds

from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.serializer.encoding import encoder, is_map
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest

TEXTS = ("", "a", "linux", "Default", "10m", "IfPossible")


class Maker:
    """Fills messages with what a client may write, some of it wrong."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.scalars: dict[str, Callable[[Any], None]] = {
            "Quantity": self._quantity,
            "Time": self._time,
            "MicroTime": self._time,
            "IntOrString": self._either,
            "RawExtension": self._raw,
            "FieldsV1": self._fields,
        }

    def fill(self, message: Any, depth: int) -> None:
        """About a third of the fields."""
        if make := self.scalars.get(message.DESCRIPTOR.name):
            make(message)
            return
        for field in message.DESCRIPTOR.fields:
            if self.chance.random() < 0.35 and (depth or field.message_type is None):
                self._set(message, field, depth - 1)

    def _set(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        held = getattr(message, field.name)
        if is_map(field):
            assert field.message_type is not None
            value = field.message_type.fields_by_name["value"]
            for key in ("a", "b")[: self.chance.randint(0, 2)]:
                if value.message_type is not None:
                    self.fill(held[key], depth)
                else:
                    held[key] = self._plain(value)
        elif field.is_repeated:
            for _ in range(self.chance.randint(0, 2)):
                if field.message_type is not None:
                    self.fill(held.add(), depth)
                else:
                    held.append(self._plain(field))
        elif field.message_type is not None:
            held.SetInParent()
            self.fill(held, depth)
        else:
            setattr(message, field.name, self._plain(field))

    def _plain(self, field: FieldDescriptor) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            return self.chance.choice(TEXTS)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return self.chance.random() < 0.5
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self.chance.choice((b"", b"ab"))
        return self.chance.choice((0, 1, 5))

    def _quantity(self, message: Any) -> None:
        message.string = self.chance.choice(("1", "5m", "0", "1Gi", "2", "500k", "0.5", "x"))

    def _time(self, message: Any) -> None:
        message.seconds, message.nanos = self.chance.choice((0, 1, 10**9)), self.chance.choice((0, 1500))

    def _either(self, message: Any) -> None:
        message.type = self.chance.choice((0, 1))
        message.intVal, message.strVal = self.chance.choice((0, 7)), self.chance.choice(("", "x"))

    def _raw(self, message: Any) -> None:
        message.raw = self.chance.choice((b'{"a": 1}', b"{}", b"", b"x", b"null", b"1"))

    def _fields(self, message: Any) -> None:
        message.Raw = self.chance.choice((b'{"a": 1}', b"{}", b"", b"x", b"null", b"1"))


def by_json(message: Message, kind: Kind, *, of_status: bool) -> Message | list[str]:
    try:
        return codec.from_dict(encoder(message.DESCRIPTOR)(message), kind, of_status=of_status)
    except BadRequest as error:
        return sorted(map(str, error.causes))


def settled(message: Message, kind: Kind, *, of_status: bool) -> Message | list[str]:
    try:
        codec.settle(message, {}, kind, of_status=of_status)
    except BadRequest as error:
        return sorted(map(str, error.causes))
    return message


@pytest.mark.parametrize("seed", range(20))
def test_a_message_becomes_what_its_json_becomes(seed: int) -> None:
    maker = Maker(seed)
    for kind in builtin_kinds.CATALOG.kinds:
        message = kind.message()
        maker.fill(message, maker.chance.choice((2, 4, 6, 8)))
        of_status = maker.chance.random() < 0.3
        wanted = by_json(message, kind, of_status=of_status)
        assert settled(message, kind, of_status=of_status) == wanted, kind.name


def test_a_bad_quantity_is_refused_by_its_path() -> None:
    pod = pod_pb2.Pod()
    pod.spec.containers.add(name="a").resources.requests["cpu"].string = "much"
    with pytest.raises(BadRequest) as caught:
        codec.settle(pod, {}, builtin_kinds.named("Pod"))
    assert [cause.field for cause in caught.value.causes] == ["spec.containers[0].resources.requests[cpu]"]


@pytest.mark.parametrize("said", [{"kind": "Node"}, {"apiVersion": "apps/v1"}])
def test_another_kind_than_is_expected_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        codec.settle(pod_pb2.Pod(), said, builtin_kinds.named("Pod"))
