"""What pods count as while they are resized."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import make_pod

from podlab.api.pods import podresources
from podlab.api.pods.allocated import charged
from podlab.core.v1 import pod_pb2


def _pod(asked: str, allocated: str = "", runs_with: str = "", reason: str = "") -> pod_pb2.Pod:
    status: dict[str, object] = {"name": "web", "image": "i", "imageID": "", "ready": True, "restartCount": 0}
    if allocated:
        status["allocatedResources"] = {"cpu": allocated}
    if runs_with:
        status["resources"] = {"requests": {"cpu": runs_with}}
    pending = [{"type": "PodResizePending", "status": "True", "reason": reason}] if reason else []
    return make_pod(
        containers=[{"name": "web", "image": "i", "resources": {"requests": {"cpu": asked, "memory": "1Mi"}}}],
        status={"containerStatuses": [status] if allocated or runs_with else [], "conditions": pending},
    )


def test_a_pod_whose_node_tells_nothing_else_counts_as_its_spec() -> None:
    for pod in (_pod("100m"), _pod("100m", "100m", "100m")):
        assert charged(pod) is pod.spec


@pytest.mark.parametrize(
    ("pod", "millis"),
    [
        (_pod("200m", "100m", "100m"), 200),  # it may get them at any moment
        (_pod("100m", "100m", "200m"), 200),  # it has not given them back yet
        (_pod("100m", "300m", "200m"), 300),
        (_pod("900m", "100m", "100m", "Deferred"), 900),
        (_pod("900m", "100m", "100m", "Infeasible"), 100),  # it never gets them
    ],
)
def test_a_pod_that_is_resized_counts_as_the_most_of_it(pod: pod_pb2.Pod, millis: int) -> None:
    assert podresources.whole(charged(pod)) == {"cpu": millis, "memory": 1 << 20}
    assert charged(pod) is not pod.spec


def test_a_pod_that_is_resized_as_a_whole_counts_as_the_most_of_it() -> None:
    status = {"allocatedResources": {"cpu": "2"}, "resources": {"requests": {"cpu": "3"}}}
    pod = make_pod(resources={"requests": {"cpu": "1"}}, status=status)
    assert podresources.whole(charged(pod)) == {"cpu": 3000}
    settled = make_pod(resources={"requests": {"cpu": "1"}}, status={"allocatedResources": {"cpu": "1"}})
    assert charged(settled) is settled.spec
