from __future__ import annotations

from podlab.core.v1 import pod_pb2
from podlab.kinds.strategies import pods
from podlab.meta.v1 import meta_pb2


def test_a_kubelet_cannot_change_the_class() -> None:
    old, new = pod_pb2.Pod(), pod_pb2.Pod()
    old.status.qosClass, new.status.qosClass = "Burstable", "Guaranteed"
    pods.keep_class(new, old, meta_pb2.Time())
    assert new.status.qosClass == "Burstable"


def test_a_gated_pod_begins_with_the_condition_that_says_so() -> None:
    gated, free = pod_pb2.Pod(), pod_pb2.Pod()
    gated.spec.schedulingGates.add(name="example.com/quota")
    for pod in (gated, free):
        pods.begin(pod)
    assert [(one.type, one.status, one.reason) for one in gated.status.conditions] == [
        ("PodScheduled", "False", "SchedulingGated")
    ]
    assert not free.status.conditions
