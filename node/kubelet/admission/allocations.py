"""What the node has set aside for each of its pods. A kubelet that starts anew finds it in what it told before."""

from __future__ import annotations

from node.kubelet.pod import resizing
from node.kubelet.pod.resizing import Allocation
from podlab.core.v1 import pod_pb2

# A pod whose spec nobody has changed asks for what it was admitted with.
_FIRST_GENERATION = 1


class Allocations:
    """By the uids of pods."""

    def __init__(self) -> None:
        self._known: dict[str, Allocation] = {}

    def applied(self, pod: pod_pb2.Pod) -> pod_pb2.Pod:
        """An admitted pod with the resources that are set aside for it."""
        if pod.metadata.generation <= _FIRST_GENERATION:
            return pod
        known = self._known.get(pod.metadata.uid)
        if known is None:
            known = self._known[pod.metadata.uid] = resizing.told_allocation(pod)
        return resizing.allocated(pod, known)

    def accept(self, pod: pod_pb2.Pod) -> None:
        """From now on the pod has what it asks for."""
        self._known[pod.metadata.uid] = resizing.allocation(pod.spec)

    def forget(self, uid: str) -> None:
        """The pod has left the node."""
        self._known.pop(uid, None)
