import orjson
import pytest

from master.apiserver.watchcache import rendering
from podlab.api.serializer import codec
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2


def pod(name: str, *, note: str = "", phase: str = "") -> pod_pb2.Pod:
    made = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    container = made.spec.containers.add(name="main", image=note or "a")
    container.resources.requests["cpu"].string = "1"
    made.status.phase = phase
    return made


@pytest.mark.parametrize(
    "message",
    [
        pod("a"),
        pod("b", phase="Running"),
        pod("large", note="x" * 5000),
        pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="none")),
        pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="empty"), spec=pod_pb2.PodSpec()),
        config_pb2.ConfigMap(data={"a": "b"}),
    ],
    ids=["of a template", "of the same", "large", "without spec", "with an empty one", "no pod"],
)
def test_it_is_the_codecs_json(message: pod_pb2.Pod | config_pb2.ConfigMap) -> None:
    wanted = codec.to_json(message)
    copy = type(message)()
    copy.CopyFrom(message)
    assert rendering.json(copy) == wanted
    assert list(orjson.loads(wanted)) == list(orjson.loads(rendering.json(message)))
