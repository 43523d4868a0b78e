"""Events: those of old, which say when they happened first and last, and those of events.k8s.io.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-instrumentation/383-new-event-api-ga-graduation
"""

from podlab.api.values import times
from podlab.core.v1 import event_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_WORD_BYTES = 128
_NOTE_BYTES = 1024
_TYPES = ("Normal", "Warning")
_OF_OLD = ("firstTimestamp", "lastTimestamp")
_FIXED = ("reason", "message", "count", "type", "action", "reportingInstance")
_FIXED_MESSAGES = ("involvedObject", "source", "firstTimestamp", "lastTimestamp", "eventTime", "related")


def check_event(found: Findings, event: event_pb2.Event) -> None:
    """An Event of the core group."""
    _check(found, event, "reportingComponent")


def check_strictly(found: Findings, event: event_pb2.Event) -> None:
    """An Event of events.k8s.io, whichever way it comes."""
    _check(found, event, "reportingController")


def check_new_strictly(found: Findings, event: event_pb2.Event) -> None:
    """What an Event that is made in events.k8s.io has to say, and leaves to those of old."""
    _check_series(found, event)
    if times.is_zero(event.eventTime):
        found.required("eventTime")
    if event.type not in _TYPES:
        found.invalid("type", "", f"has invalid value: {event.type}")
    for name in _OF_OLD:
        if not times.is_zero(getattr(event, name)):
            found.invalid(name, "", "needs to be unset")
    if event.count:
        found.invalid("count", "", "needs to be unset")
    if event.source.component or event.source.host:
        found.invalid("source", "", "needs to be unset")


def check_strict_update(found: Findings, new: event_pb2.Event, old: event_pb2.Event) -> None:
    """Of an Event that is written in events.k8s.io only its series goes on."""
    if new.series != old.series:
        _check_series(found, new)
    for name in _FIXED:
        found.immutable(name, getattr(new, name), getattr(old, name), getattr(new, name))
    found.immutable("reportingController", new.reportingComponent, old.reportingComponent, new.reportingComponent)
    for name in _FIXED_MESSAGES:
        found.immutable(name, getattr(new, name), getattr(old, name), None)


def _check(found: Findings, event: event_pb2.Event, controller: str) -> None:
    """What both groups ask; `controller` is what they call the field of who tells of it."""
    about, namespace = event.involvedObject.namespace, event.metadata.namespace
    is_of_old = not event.HasField("eventTime") or times.is_zero(event.eventTime)
    # What has no namespace is told about in `default`, since events.k8s.io also in `kube-system`.
    beside = ("default",) if is_of_old else ("default", "kube-system")
    if (about != namespace and is_of_old and about) or (not about and namespace not in beside):
        found.invalid("involvedObject.namespace", about, "does not match event.namespace")
    if is_of_old:
        return
    if not event.reportingComponent:
        found.required(controller)
    found.invalid(controller, event.reportingComponent, *syntax.qualified_name(event.reportingComponent))
    for name in ("reportingInstance", "action", "reason"):
        if not getattr(event, name):
            found.required(name)
        if len(getattr(event, name).encode()) > _WORD_BYTES:
            found.invalid(name, "", f"can have at most {_WORD_BYTES} characters")
    if len(event.message.encode()) > _NOTE_BYTES:
        found.invalid("message", "", f"can have at most {_NOTE_BYTES} characters")


def _check_series(found: Findings, event: event_pb2.Event) -> None:
    if not event.HasField("series"):
        return
    if event.series.count < 2:
        found.invalid("series.count", "", "should be at least 2")
    if times.is_zero(event.series.lastObservedTime):
        found.required("series.lastObservedTime")
