"""Remembers the way of one pod on this node, until it is ready for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod import podspec
from node.kubelet.pod.pod_notes import PodNotes
from podlab.core.v1 import pod_pb2
from podlab.spans.spans import Spans


class StartRecord:
    """Of one pod. Once the pod was said to be ready nothing is noted any more, and of a pod that an earlier kubelet has
    begun with nothing at all: its beginning is not known here."""

    def __init__(self, spans: Spans, uid: str) -> None:
        self._spans = spans
        self._uid = uid
        self._seen_s = spans.now()
        self._asked_s: dict[str, float] = {}
        self._started_s: dict[str, float] = {}
        self._probed: set[str] = set()
        self._is_ready = False
        self._finished = False

    def adopt(self, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        """The worker looks at the pod for the first time."""
        self._finished = bool(observed.sandboxes) or pod.status.HasField("startTime")
        if not self._finished:
            self._spans.note(self._uid, "seen", self._seen_s, self._seen_s)

    @contextmanager
    def measured(self, name: str, detail: str = "") -> Iterator[None]:
        """What is done inside; a try that fails is noted as one."""
        began_s = self._spans.now()
        try:
            yield
        except BaseException:
            self._note(name, began_s, f"{detail} failed".lstrip())
            raise
        self._note(name, began_s, detail)
        if name == "start":
            self._started_s[detail] = self._spans.now()

    def image_asked(self, container: str) -> None:
        """The container's image is wanted. It may have to be pulled, and asked for again."""
        if not self._finished:
            self._asked_s.setdefault(container, self._spans.now())

    def image_there(self, container: str, image: str) -> None:
        """It is there."""
        if (began_s := self._asked_s.pop(container, None)) is not None:
            self._note("image", began_s, f"{container}: {image}")

    def look(self, pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, status: pod_pb2.PodStatus) -> None:
        """Whether containers have passed their probes, and the pod is ready."""
        if self._finished or self._is_ready:
            return
        for run in observed.alive:
            if run.name not in self._started_s or run.name in self._probed or not notes.ready.get(run.id):
                continue
            self._probed.add(run.name)
            spec = podspec.container_named(pod, run.name)
            if spec is not None and (spec.HasField("startupProbe") or spec.HasField("readinessProbe")):
                self._note("probe", self._started_s[run.name], run.name)
        if _is_ready(status):
            self._is_ready = True
            self._spans.moment(self._uid, "ready")

    def written(self, status: pod_pb2.PodStatus, began_s: float) -> None:
        """The API server has a status of the pod since now."""
        if not self._finished and _is_ready(status):
            self._note("ready told", began_s)
            self._finished = True

    def now(self) -> float:
        """By the clock of what is noted."""
        return self._spans.now()

    def _note(self, name: str, began_s: float, detail: str = "") -> None:
        if not self._finished:
            self._spans.note(self._uid, name, began_s, detail=detail)


def _is_ready(status: pod_pb2.PodStatus) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in status.conditions)
