"""Admission: how long a new pod stays on a node that is not ready or cannot be reached."""

from podlab.api.pods.tolerations import NOT_READY, UNREACHABLE
from podlab.core.v1 import pod_pb2


def tolerate_lost_nodes(pod: pod_pb2.Pod, seconds: int = 300) -> None:
    """Add both tolerations, unless the pod says itself what it does about the taint."""
    for key in (NOT_READY, UNREACHABLE):
        if not any(_covers(toleration, key) for toleration in pod.spec.tolerations):
            pod.spec.tolerations.add(key=key, operator="Exists", effect="NoExecute", tolerationSeconds=seconds)


def _covers(toleration: pod_pb2.Toleration, key: str) -> bool:
    return toleration.key in ("", key) and toleration.effect in ("", "NoExecute")
