"""Shapes of messages, and that what the .proto files say of fields is complete and agrees with itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from podlab_testing import builtin_kinds

from podlab.api.serializer import scalars
from podlab.api.serializer.encoding import is_inline, is_map
from podlab.core.v1 import config_pb2, pod_pb2, service_pb2, volume_pb2
from podlab.meta.v1 import meta_pb2, options_pb2
from podlab.policy.v1 import poddisruptionbudget_pb2
from podlab.shapes.messages import SCALARS, shape_of
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct

STRATEGIES = {"merge", "retainKeys", "merge,retainKeys", "replace"}


def structs() -> Iterator[Struct]:
    """The shapes of all objects, and of all that they are made of."""
    found: dict[str, Struct] = {}
    left: list[Shape] = [shape_of(kind.message) for kind in builtin_kinds.STORED]
    while left:
        shape = left.pop()
        if isinstance(shape, List):
            left.append(shape.item)
        elif isinstance(shape, Map):
            left.append(shape.value)
        elif isinstance(shape, Struct) and shape.name not in found:
            found[shape.name] = shape
            left += [field.shape for field in shape.fields.values()]
    yield from found.values()


def members() -> list[tuple[str, Field]]:
    return [(f"{struct.name}.{name}", field) for struct in structs() for name, field in struct.fields.items()]


def descriptors() -> list[FieldDescriptor]:
    """The declarations of all fields."""
    pool = pod_pb2.DESCRIPTOR.pool
    return [pool.FindFieldByName(declared) for declared in dict.fromkeys(field.declared for _, field in members())]


def told(field: FieldDescriptor, option: object) -> object:
    return field.GetOptions().Extensions[option]  # type: ignore[index]  # any of options_pb2


def test_every_list_says_what_its_items_are_to_each_other_and_nothing_else_does() -> None:
    for field in descriptors():
        is_list = field.is_repeated and not is_map(field)
        assert is_list == (told(field, options_pb2.list_type) != options_pb2.LIST_TYPE_UNSPECIFIED), field.full_name
        for option in (options_pb2.list_map_keys, options_pb2.patch_merge_key):
            assert is_list or not told(field, option), field.full_name


def test_null_is_written_only_for_lists_that_are_always_written() -> None:
    null = [field for field in descriptors() if told(field, options_pb2.null_when_empty)]
    assert null
    assert all(field.is_repeated and not is_map(field) and told(field, options_pb2.always) for field in null)


# As in Kubernetes' own definitions.
KEYED_BY_WHAT_MAY_BE_LEFT_OUT = {
    "podlab.core.v1.ServiceAccount.secrets",
    "podlab.flowcontrol.v1.FlowSchemaStatus.conditions",
    "podlab.flowcontrol.v1.PriorityLevelConfigurationStatus.conditions",
    "podlab.resource.v1.ResourceClaimStatus.devices",
}


def test_keys_are_fields_of_the_items_that_are_given_or_have_a_default() -> None:
    for path, field in members():
        shape = field.shape
        if not isinstance(shape, List):
            continue
        assert (shape.type is ListType.MAP) == bool(shape.keys), path
        for key in {*shape.keys, shape.merge_key} - {""}:
            assert isinstance(shape.item, Struct), path
            found = shape.item.fields[key]
            assert isinstance(found.shape, Scalar), path
            has_value = found.required or found.default is not None or found.always
            assert has_value or path in KEYED_BY_WHAT_MAY_BE_LEFT_OUT, f"{path}: {key}"


def test_a_list_that_patches_merge_has_a_merge_key_or_is_a_set_and_the_key_is_the_first_map_key() -> None:
    for path, field in members():
        shape = field.shape
        if isinstance(shape, List):
            assert shape.merges == bool(shape.merge_key or (shape.merges and shape.type is ListType.SET)), path
            assert not shape.merge_key or not shape.keys or shape.merge_key == shape.keys[0], path
            assert shape.type is not ListType.SET or isinstance(shape.item, Scalar), path


def test_strategies_are_kubernetes_words() -> None:
    for field in descriptors():
        strategy = told(field, options_pb2.patch_strategy)
        assert strategy in STRATEGIES | {""}, field.full_name
        assert "merge" not in str(strategy) or field.is_repeated, field.full_name


def test_whole_or_in_parts_is_said_of_objects_and_maps_alone() -> None:
    for field in descriptors():
        if told(field, options_pb2.map_type):
            assert is_map(field) or (field.message_type and not field.is_repeated), field.full_name


def test_enumerated_values_are_those_of_text_sorted_and_once() -> None:
    enumerated = [field for field in descriptors() if told(field, options_pb2.enum_values)]
    assert len(enumerated) > 50
    for field in enumerated:
        values = list(field.GetOptions().Extensions[options_pb2.enum_values])
        assert field.type == FieldDescriptor.TYPE_STRING, field.full_name
        assert values == sorted(set(values)), field.full_name


def test_what_is_said_of_an_inlined_field_would_be_lost() -> None:
    for kind in builtin_kinds.STORED:
        for field in kind.message.DESCRIPTOR.fields:
            assert not is_inline(field) or len(field.GetOptions().ListFields()) == 1, field.full_name


def test_a_default_is_one_of_the_values_that_there_are() -> None:
    defaults = {path: field for path, field in members() if field.default is not None}
    assert {path for path, _ in defaults.items()} >= {
        "podlab.core.v1.ContainerPort.protocol",
        "podlab.core.v1.ServicePort.protocol",
    }
    for path, field in defaults.items():
        assert isinstance(field.shape, Scalar), path
        assert not field.shape.values or field.default in field.shape.values, path


def test_scalars_are_those_of_the_codec() -> None:
    assert SCALARS.keys() == scalars.SCALARS.keys()


def test_inlined_fields_are_members_of_what_they_stand_in() -> None:
    volume = shape_of(pod_pb2.Volume)
    assert volume.fields["emptyDir"].shape is shape_of(pod_pb2.EmptyDirVolumeSource)
    assert volume.fields["emptyDir"].declared == "podlab.core.v1.VolumeSource.emptyDir"
    assert "volumeSource" not in volume.fields


def test_a_pods_containers_are_a_map_by_name() -> None:
    containers = shape_of(pod_pb2.PodSpec).fields["containers"]
    assert containers.required
    assert containers.always
    shape = containers.shape
    assert isinstance(shape, List)
    assert (shape.type, shape.keys, shape.merges, shape.merge_key) == (ListType.MAP, ("name",), True, "name")
    assert shape.item is shape_of(pod_pb2.Container)


@pytest.mark.parametrize(
    ("message", "field", "shape"),
    [
        (pod_pb2.Container, "imagePullPolicy", Scalar(ScalarType.STRING, "", ("Always", "IfNotPresent", "Never"))),
        (pod_pb2.PodSpec, "terminationGracePeriodSeconds", Scalar(ScalarType.INT64)),
        (meta_pb2.ObjectMeta, "creationTimestamp", Scalar(ScalarType.TIME, "podlab.meta.v1.Time")),
        (service_pb2.ServicePort, "targetPort", Scalar(ScalarType.INT_OR_STRING, "podlab.meta.v1.IntOrString")),
    ],
)
def test_scalars_say_how_json_has_them(message: type[Message], field: str, shape: Scalar) -> None:
    assert shape_of(message).fields[field].shape == shape


def test_values_of_maps_have_a_shape() -> None:
    data = shape_of(config_pb2.Secret).fields["data"].shape
    assert isinstance(data, Map)
    assert data.value == Scalar(ScalarType.BYTES)


def test_what_belongs_together_is_told_by_the_message_or_by_the_field() -> None:
    claim = shape_of(volume_pb2.PersistentVolumeSpec).fields["claimRef"]
    assert isinstance(claim.shape, Struct)
    assert (claim.shape.is_atomic, claim.is_atomic) == (True, False)
    assert shape_of(pod_pb2.PodSpec).fields["nodeSelector"].is_atomic


def test_alternatives_and_what_is_replaced() -> None:
    volumes = shape_of(pod_pb2.PodSpec).fields["volumes"]
    assert volumes.retains_keys
    assert isinstance(volumes.shape, List)
    assert volumes.shape.merges
    assert shape_of(poddisruptionbudget_pb2.PodDisruptionBudgetSpec).fields["selector"].replaced


def test_a_shape_is_made_once_however_many_ask() -> None:
    message = _unheard_of()
    with ThreadPoolExecutor(8) as pool:
        shapes = list(pool.map(lambda _: shape_of(message), range(32)))
    assert all(shape is shapes[0] for shape in shapes)
    assert shape_of(message()) is shapes[0]


def _unheard_of() -> type[Message]:
    """A type that no test before has asked the shape of."""
    file = descriptor_pb2.FileDescriptorProto(name="unheard_of.proto", syntax="proto3")
    fields = file.message_type.add(name=f"UnheardOf{uuid.uuid4().hex}").field
    for number in range(1, 100):
        fields.add(
            name=f"field{number}",
            number=number,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(file.message_type[0].name))


def test_children_of_one_message_are_the_same_shape_wherever_they_stand() -> None:
    spec = shape_of(pod_pb2.Pod).fields["spec"].shape
    assert spec is shape_of(pod_pb2.PodTemplateSpec).fields["spec"].shape
