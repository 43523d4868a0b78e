from podlab.api.pods.tolerations import NOT_READY, UNREACHABLE
from podlab.core.v1 import pod_pb2
from podlab.kinds.defaults.tolerations import tolerate_lost_nodes


def tolerated(*tolerations: pod_pb2.Toleration, seconds: int = 300) -> list[tuple[str, int]]:
    pod = pod_pb2.Pod()
    pod.spec.tolerations.extend(tolerations)
    tolerate_lost_nodes(pod, seconds)
    return [(toleration.key, toleration.tolerationSeconds) for toleration in pod.spec.tolerations]


def test_a_pod_stays_five_minutes_on_a_lost_node() -> None:
    assert tolerated() == [(NOT_READY, 300), (UNREACHABLE, 300)]
    assert tolerated(seconds=5) == [(NOT_READY, 5), (UNREACHABLE, 5)]


def test_a_pod_that_says_itself_what_it_does_is_left_alone() -> None:
    own = pod_pb2.Toleration(key=NOT_READY, operator="Exists", effect="NoExecute", tolerationSeconds=7)
    assert tolerated(own) == [(NOT_READY, 7), (UNREACHABLE, 300)]
    assert tolerated(pod_pb2.Toleration(operator="Exists")) == [("", 0)]


def test_a_toleration_of_another_effect_does_not_count() -> None:
    own = pod_pb2.Toleration(key=NOT_READY, operator="Exists", effect="NoSchedule")
    assert tolerated(own) == [(NOT_READY, 0), (NOT_READY, 300), (UNREACHABLE, 300)]
