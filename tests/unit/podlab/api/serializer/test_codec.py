"""Objects to and from Kubernetes' JSON and YAML."""

from typing import Any

import orjson
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing import builtin_kinds

from podlab.api import kinds
from podlab.api.serializer import codec, manifest
from podlab.api.serializer.encoding import is_map
from podlab.api.serializer.unsupported import LIMITED
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod, PodSpec
from podlab.core.v1.service_pb2 import Service
from podlab.errors import BadRequest
from podlab.meta.v1 import meta_pb2

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
# The years 1 to 9999; zero is a time that was never set.
SECONDS = st.integers(-62_135_596_800, 253_402_300_799).filter(bool)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "podlab.meta.v1.Time": st.builds(lambda s: {"seconds": s}, SECONDS),
    "podlab.meta.v1.MicroTime": st.builds(
        lambda s, us: {"seconds": s, "nanos": us * 1000}, SECONDS, st.integers(0, 999_999)
    ),
    "podlab.meta.v1.Quantity": st.sampled_from(["0", "500m", "64Mi", "1.5Gi", "1e3", "-1"]).map(
        lambda text: {"string": text}
    ),
    "podlab.meta.v1.IntOrString": st.one_of(
        st.integers(-(2**31), 2**31 - 1).map(lambda number: {"intVal": number}),
        TEXT.map(lambda text: {"type": 1, "strVal": text}),
    ),
    "podlab.meta.v1.FieldsV1": st.just({"Raw": b'{"f:spec":{}}'}),
    "podlab.meta.v1.RawExtension": st.just({"raw": b'{"a":1}'}),  # one that holds nothing is null, and so absent
}
PLAIN: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
}


def one_value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is None:
        return PLAIN[field.type]
    name = field.message_type.full_name
    return SCALARS[name] if name in SCALARS else arguments(field.message_type)


def value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if is_map(field):
        return st.dictionaries(TEXT, one_value(field.message_type.fields_by_name["value"]), max_size=2)
    return st.lists(one_value(field), max_size=2) if field.is_repeated else one_value(field)


def arguments(descriptor: Any) -> st.SearchStrategy[dict[str, Any]]:
    """What a message's constructor takes: a few of its fields, whatever they are.

    Of those of which Podlab does only some values, only these; where they are always written, they are always there.
    """
    limited = LIMITED.get(descriptor.full_name, {})
    always = [name for name in limited if not descriptor.fields_by_name[name].has_presence]

    @st.composite
    def some(draw: st.DrawFn) -> dict[str, Any]:
        names = (
            draw(st.lists(st.sampled_from(tuple(descriptor.fields)), max_size=3, unique=True))
            if descriptor.fields
            else []
        )
        others = {field.name: draw(value(field)) for field in names if field.name not in limited}
        drawn = {*always, *(field.name for field in names if field.name in limited)}
        return others | {name: draw(st.sampled_from(limited[name])) for name in sorted(drawn)}

    return some()


MESSAGES = st.sampled_from(builtin_kinds.STORED).flatmap(
    lambda kind: arguments(kind.message.DESCRIPTOR).map(lambda fields: kind.message(**fields))
)


@settings(max_examples=300)
@given(MESSAGES)
def test_every_object_survives_the_way_through_json(message: Message) -> None:
    read = builtin_kinds.read(orjson.loads(codec.to_json(message)))
    assert codec.to_dict(read) == codec.to_dict(message)
    assert builtin_kinds.read(orjson.loads(codec.to_json(read))) == read


def test_what_is_written_though_absent_is_read_as_absent() -> None:
    container = {"name": "c", "image": "i"}
    pod = Pod(metadata={"name": "p"}, spec={"containers": [container]}, status={"containerStatuses": [{"name": "c"}]})
    written = codec.to_dict(pod)
    assert written["spec"]["containers"][0]["resources"] == {}
    assert builtin_kinds.read(written) == pod
    deployment = Deployment(metadata={"name": "d"}, spec={"template": {"spec": {"containers": [container]}}})
    assert builtin_kinds.read(codec.to_dict(deployment)) == deployment


@settings(max_examples=150)
@given(MESSAGES)
def test_every_object_survives_the_way_through_yaml(message: Message) -> None:
    (document,) = manifest.read(codec.to_yaml([message]))
    read = builtin_kinds.read(document.data)
    assert codec.to_dict(read) == codec.to_dict(message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.sampled_from(builtin_kinds.STORED), st.sampled_from(["metadata", "spec", "status", "data", "x"]), JSON)
def test_any_json_is_read_or_refused_as_a_bad_request(kind: kinds.Kind, field: str, data: Any) -> None:
    try:
        codec.from_dict({field: data}, kind)
    except BadRequest as error:
        assert error.causes  # noqa: PT017


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def refusal(data: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        builtin_kinds.read(data)
    return caught.value.message


def test_what_was_meant_is_guessed_for_the_first_mistakes_alone() -> None:
    told = refusal(pod(**{f"nodeName{number}": 1 for number in range(30)}))
    assert told.count("unknown field") == 30
    assert told.count("did you mean") == 20


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"containers": [{"imagee": "x"}]}, 'spec.containers[0].imagee: unknown field (did you mean "image"?)'),
        ({"zzz": 1}, "spec.zzz: unknown field"),
        ({"hostNetwork": "yes"}, "spec.hostNetwork: expected a boolean, found string 'yes'"),
        ({"nodeName": 7}, "spec.nodeName: expected a string, found number 7: put it in quotes"),
        ({"containers": {}}, "spec.containers: expected a list, found an object"),
        (
            {"nodeSelector": {"a": True}},
            "spec.nodeSelector[a]: expected a string, found boolean true: put it in quotes",
        ),
        ({"priority": 2**31}, "spec.priority: expected a 32-bit integer, found number 2147483648"),
        ({"priority": 1.0}, "spec.priority: expected a 32-bit integer, found number 1.0"),
        ({"priority": True}, "spec.priority: expected a 32-bit integer, found boolean true"),
        (
            {"os": {"name": "windows"}},
            'spec.os.name: not supported by Podlab: remove the field, or set it to "linux"',
        ),
        ({"volumes": [{"name": "v", "nfs": {}}]}, "spec.volumes[0].nfs: not supported by Podlab: remove the field"),
        (
            {"volumes": [{"configMap": {"items": [{"mode": "a"}]}}]},
            "spec.volumes[0].configMap.items[0].mode: expected a 32-bit integer, found string 'a'",
        ),
        (
            {"containers": [{"resources": {"limits": {"cpu": "1 core"}}}]},
            "spec.containers[0].resources.limits[cpu]: '1 core' is not a quantity: write a number with a unit, such as"
            " 500m, 2 or 64Mi",
        ),
    ],
)
def test_a_bad_field_is_named_with_its_path_and_what_was_found(spec: dict[str, Any], message: str) -> None:
    assert refusal(pod(**spec)) == message


def test_all_bad_fields_are_reported_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        builtin_kinds.read(pod(a=1, containers=[{"image": 1}, {"b": 2}]))
    assert [cause.field for cause in caught.value.causes] == [
        "spec.a",
        "spec.containers[0].image",
        "spec.containers[1].b",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected an object, found a list"),
        ({"kind": "Pod"}, "apiVersion: Required value: every object says what it is"),
        ({"kind": "Pod", "apiVersion": "v2"}, 'apiVersion: "v2" is not served for Pod: use v1'),
        ({"kind": 1, "apiVersion": "v1"}, "kind: expected a string, found number 1"),
    ],
)
def test_an_object_must_say_what_it_is(data: Any, message: str) -> None:
    assert refusal(data) == message


def test_an_unknown_kind_is_refused_with_those_that_exist() -> None:
    assert refusal({"kind": "Foo", "apiVersion": "v1"}).startswith(
        'kind: no kind "Foo" is served; known kinds: Namespace'
    )


def test_where_the_kind_is_known_another_one_is_refused() -> None:
    assert codec.from_dict({"metadata": {"name": "p"}}, builtin_kinds.named("Pod")).DESCRIPTOR.name == "Pod"
    with pytest.raises(BadRequest, match='kind: "Node" where Pod is expected'):
        codec.from_dict({"kind": "Node"}, builtin_kinds.named("Pod"))


def test_null_means_absent_also_for_what_must_be_an_object() -> None:
    assert codec.from_dict({"metadata": {"creationTimestamp": None}, "spec": None}, builtin_kinds.named("Pod")) == Pod()


def test_what_servers_add_to_exported_manifests_is_dropped() -> None:
    data = {"metadata": {"name": "p", "selfLink": "/api"}}
    assert codec.from_dict(data, builtin_kinds.named("Pod")) == Pod(metadata={"name": "p"})


def test_inlined_messages_stand_in_their_parents_object() -> None:
    spec = PodSpec(
        volumes=[{"name": "v", "volumeSource": {"configMap": {"localObjectReference": {"name": "c"}}}}],
        containers=[{"name": "c", "livenessProbe": {"handler": {"httpGet": {"port": {"intVal": 80}}}}}],
    )
    written = codec.part_to_dict(spec)
    assert written["volumes"] == [{"name": "v", "configMap": {"name": "c"}}]
    assert written["containers"][0]["livenessProbe"] == {"httpGet": {"port": 80}}
    assert codec.part_from_dict(written, PodSpec).volumes == spec.volumes


def test_an_empty_object_that_is_present_is_written() -> None:
    spec = PodSpec(volumes=[{"name": "v", "volumeSource": {"emptyDir": {}}}])
    assert codec.part_to_dict(spec)["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_fields_that_clients_rely_on_are_always_written() -> None:
    assert codec.to_dict(Pod()) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {"containers": []},
        "status": {},
    }
    assert codec.to_dict(ReplicaSet())["status"] == {"replicas": 0}
    assert codec.to_dict(Event())["firstTimestamp"] is None
    assert codec.to_dict(Service(spec={"ports": [{}]}))["spec"]["ports"] == [{"port": 0, "targetPort": 0}]
    assert codec.to_dict(Pod(status={"containerStatuses": [{}]}))["status"]["containerStatuses"] == [
        {"name": "", "state": {}, "lastState": {}, "ready": False, "restartCount": 0, "image": "", "imageID": ""}
    ]


def test_a_zero_that_was_set_is_told_from_one_that_was_not() -> None:
    assert "replicas" not in codec.to_dict(Deployment())["spec"]
    assert codec.to_dict(Deployment(spec={"replicas": 0}))["spec"]["replicas"] == 0


def test_scalar_messages_are_scalars_in_json() -> None:
    message = Deployment(
        metadata={"creationTimestamp": {"seconds": 1_893_456_000, "nanos": 5}, "generation": 2**60},
        spec={
            "strategy": {"rollingUpdate": {"maxSurge": {"type": 1, "strVal": "25%"}, "maxUnavailable": {"intVal": 1}}}
        },
    )
    written = codec.to_dict(message)
    assert written["metadata"] == {"creationTimestamp": "2030-01-01T00:00:00Z", "generation": 2**60}
    assert written["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": 1}
    assert codec.to_dict(Secret(data={"k": b"\xff\x00"}))["data"] == {"k": "/wA="}


def test_base64_is_checked_and_may_span_lines() -> None:
    secret = builtin_kinds.named("Secret")
    assert codec.from_dict({"data": {"k": "/w\nA=\n"}}, secret) == Secret(data={"k": b"\xff\x00"})
    with pytest.raises(BadRequest, match=r"data\[k\]: expected base64, found string 'a'"):
        codec.from_dict({"data": {"k": "a"}}, secret)


def test_times_with_an_offset_are_understood_and_others_refused() -> None:
    def read(text: str) -> meta_pb2.Time:
        return codec.part_from_dict({"creationTimestamp": text}, meta_pb2.ObjectMeta).creationTimestamp

    assert read("2030-01-01T01:00:00+01:00").seconds == 1_893_456_000
    with pytest.raises(BadRequest, match="creationTimestamp: '2030-01-01' is not an RFC 3339 time"):
        read("2030-01-01")
    with pytest.raises(BadRequest, match="is not a time that exists"):
        read("2030-02-30T00:00:00Z")


def test_text_that_cannot_be_encoded_is_refused() -> None:
    assert refusal({**pod(), "metadata": {"name": "\ud800"}}).startswith("text that is not valid Unicode")


def test_plain_yaml_values_mean_what_they_mean_to_kubernetes() -> None:
    def data(text: str) -> Any:
        return manifest.read(f"v: {text}")[0].data["v"]

    assert data("12:30") == "12:30"
    assert data("2001-01-01") == "2001-01-01"
    assert [data(text) for text in ("0644", "0o644", "0x1F", "1_000", "-7")] == [0o644, 0o644, 31, 1000, -7]
    assert [data(text) for text in ("1e3", "1.5", ".5")] == [1000.0, 1.5, 0.5]
    assert [data(text) for text in ("yes", "off", "y", "~", "")] == [True, False, "y", None, None]
    assert data("{1: a, true: b}") == {"1": "a", "true": "b"}


def test_a_time_that_is_there_and_was_never_set_is_null_rather_than_1970() -> None:
    pod = Pod()
    pod.metadata.creationTimestamp.SetInParent()
    pod.status.startTime.SetInParent()
    written = codec.to_dict(pod)
    assert written["metadata"]["creationTimestamp"] is None
    assert written["status"]["startTime"] is None
    assert builtin_kinds.read(written) == Pod()
