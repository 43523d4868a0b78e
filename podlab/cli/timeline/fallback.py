"""What a pod's status and its Events tell of its way, where no component remembers it any more. Pure.

Conditions and Events of old clients are as exact as a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podlab.api.values import times
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import MicroTime, Time
from podlab.spans.way import READY, STORED, WayStep

_OF_EVENTS = {"Scheduled": ("scheduler", "bound"), "Created": ("kubelet", "create"), "Started": ("kubelet", "start")}
_NS = 1_000_000_000


def told(pod: Pod, events: Iterable[Event]) -> list[WayStep]:
    """Moments: what took how long is told by none of them."""
    return [
        _moment("apiserver", STORED, pod.metadata.creationTimestamp),
        *_of_events(pod, events),
        *_of_conditions(pod),
    ]


def _of_events(pod: Pod, events: Iterable[Event]) -> Iterator[WayStep]:
    """The first of each."""
    found: dict[tuple[str, str, str], WayStep] = {}
    for each in sorted(events, key=_happened):
        if each.involvedObject.uid != pod.metadata.uid or each.reason not in _OF_EVENTS:
            continue
        component, name = _OF_EVENTS[each.reason]
        detail = pod.spec.nodeName if component == "scheduler" else _container(each.involvedObject.fieldPath)
        node = pod.spec.nodeName if component == "kubelet" else ""
        at_ns = _happened(each)
        found.setdefault((component, name, detail), WayStep(name, component, node, at_ns, at_ns, detail, exact=False))
    yield from found.values()


def _happened(event: Event) -> int:
    """When it first did."""
    exact = not times.is_zero(event.eventTime)
    return _ns(event.eventTime) if exact else _ns(event.firstTimestamp)


def _of_conditions(pod: Pod) -> Iterator[WayStep]:
    for each in pod.status.conditions:
        if each.type == "Ready" and each.status == "True":
            yield _moment("kubelet", READY, each.lastTransitionTime, pod.spec.nodeName)


def _container(field_path: str) -> str:
    """spec.containers{web} is of web."""
    return field_path.partition("{")[2].rstrip("}")


def _moment(component: str, name: str, when: Time | MicroTime, node: str = "") -> WayStep:
    return WayStep(name, component, node, _ns(when), _ns(when), exact=False)


def _ns(when: Time | MicroTime) -> int:
    return when.seconds * _NS + when.nanos
