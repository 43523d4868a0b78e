import pytest

from podlab.api.serializer import encoded_fields
from podlab.core.v1 import pod_pb2


def pod(node: str = "") -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name = "web"
    made.spec.containers.add(name="main", image="x")
    made.spec.nodeName = node
    made.status.phase = "Running"
    return made


def test_one_field_of_an_encoded_object_is_read() -> None:
    read = encoded_fields.reader(pod_pb2.Pod, "spec.nodeName")
    assert [read(pod(node).SerializeToString()) for node in ("n1", "", "n2")] == ["n1", "", "n2"]


def test_a_field_of_an_object_without_the_part_that_has_it_is_empty() -> None:
    assert encoded_fields.reader(pod_pb2.Pod, "spec.nodeName")(b"") == ""


def test_the_last_of_several_values_counts_as_it_does_for_protobuf() -> None:
    encoded = pod("old").SerializeToString() + pod_pb2.Pod(spec=pod_pb2.PodSpec(nodeName="new")).SerializeToString()
    assert encoded_fields.reader(pod_pb2.Pod, "spec.nodeName")(encoded) == "new"


def test_a_field_that_the_message_lacks_is_refused() -> None:
    for path in ("spec.node", "spec.nodeName.first"):
        with pytest.raises(KeyError):
            encoded_fields.reader(pod_pb2.Pod, path)


def test_elements_are_read_as_often_as_they_stand_there() -> None:
    read = encoded_fields.elements_reader(1)
    metadata, whole = pod().metadata.SerializeToString(), pod().SerializeToString()
    assert [list(read(whole * count)) for count in range(3)] == [[], [metadata], [metadata, metadata]]
