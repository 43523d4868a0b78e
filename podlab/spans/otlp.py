"""The way of a pod as OpenTelemetry's protocol (OTLP) has it: one trace. Pure.

The trace's id is the pod's uid, 128 bits already, so that whoever knows the pod finds its trace. A span of the whole
way is the parent of all steps; whoever asked for the pod within a trace of its own is linked to it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping

from podlab import __version__
from podlab.foreign.opentelemetry.v1 import trace_pb2 as pb
from podlab.spans.traceparent import TraceContext
from podlab.spans.way import Way, WayStep

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SCOPE = "podlab"
_INTERNAL = 1
_SPAN_BYTES = 8


def request(
    namespace: str, name: str, found: Way, callers: Iterable[TraceContext] = ()
) -> pb.ExportTraceServiceRequest:
    """What a collector is sent of it. `callers` are the contexts in which somebody asked for the pod."""
    made, parts = pb.ExportTraceServiceRequest(), dict[tuple[str, str], pb.ScopeSpans]()
    about = {"k8s.namespace.name": namespace, "k8s.pod.name": name, "k8s.pod.uid": found.uid}
    whole = _part(made, parts, "apiserver", "", about)
    root = whole.spans.add(name=f"pod {namespace}/{name}", parent_span_id=b"", kind=_INTERNAL)
    root.trace_id, root.span_id = trace_id(found.uid), _root_id(found.uid)
    root.start_time_unix_nano = found.began_ns
    root.end_time_unix_nano = max((each.ended_ns for each in found.steps), default=found.began_ns)
    root.links.extend(pb.SpanLink(trace_id=each.trace_id, span_id=each.span_id) for each in callers)
    for step in found.steps:
        _part(made, parts, step.component, step.node, about).spans.append(_span(found.uid, step))
    return made


def trace_id(uid: str) -> bytes:
    """The 16 bytes of a uid; of one that is no UUID, as only a caller can have made it, those of its digest."""
    try:
        return uuid.UUID(uid).bytes
    except ValueError:
        return hashlib.sha256(uid.encode()).digest()[:16]


def _root_id(uid: str) -> bytes:
    return trace_id(uid)[_SPAN_BYTES:]


def _part(
    made: pb.ExportTraceServiceRequest,
    parts: dict[tuple[str, str], pb.ScopeSpans],
    component: str,
    node: str,
    about: Mapping[str, str],
) -> pb.ScopeSpans:
    """The spans of a component of a node, begun where there are none yet."""
    if (component, node) not in parts:
        resource = made.resource_spans.add()
        told = {"service.name": f"podlab-{component}", **({"k8s.node.name": node} if node else {}), **about}
        resource.resource.attributes.extend(_attributes(told))
        scope = pb.InstrumentationScope(name=SCOPE, version=__version__)
        parts[component, node] = resource.scope_spans.add(scope=scope)
    return parts[component, node]


def _span(uid: str, step: WayStep) -> pb.ExportedSpan:
    told = {"podlab.step": step.name, "podlab.detail": step.detail, "podlab.owner": step.owner}
    return pb.ExportedSpan(
        trace_id=trace_id(uid),
        span_id=hashlib.sha256(f"{uid} {step}".encode()).digest()[:_SPAN_BYTES],
        parent_span_id=_root_id(uid),
        name=step.title,
        kind=_INTERNAL,
        start_time_unix_nano=step.began_ns,
        end_time_unix_nano=step.ended_ns,
        attributes=_attributes({key: value for key, value in told.items() if value}),
    )


def _attributes(told: Mapping[str, str]) -> list[pb.KeyValue]:
    return [pb.KeyValue(key=key, value=pb.AnyValue(string_value=value)) for key, value in told.items()]
