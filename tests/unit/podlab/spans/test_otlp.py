from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from podlab.spans import otlp
from podlab.spans.traceparent import TraceContext
from podlab.spans.way import way
from podlab.v1.timeline_pb2 import PodTimelineResponse

UID = "6f1c7a4e-8f0b-4c57-9a53-0d7c1a5e2b11"


def _read(answer: PodTimelineResponse, *callers: TraceContext) -> ExportTraceServiceRequest:
    """As OpenTelemetry's own messages read it."""
    answer.uid = UID
    made = otlp.request("default", "web", way(answer), callers)
    return ExportTraceServiceRequest.FromString(made.SerializeToString())


def test_every_step_is_a_span_of_its_component_and_host(answer: PodTimelineResponse) -> None:
    told = {}
    for each in _read(answer).resource_spans:
        about = {one.key: one.value.string_value for one in each.resource.attributes}
        at = about["service.name"], about.get("k8s.node.name", "")
        told[at] = [span.name for scope in each.scope_spans for span in scope.spans]
    assert told["podlab-apiserver", ""] == ["pod default/web", "admitted and stored"]
    assert told["podlab-kubelet", "n1"] == ["sandbox", "network (CNI) podlab", "ready, and the API server told"]
    assert told["podlab-proxy", "n2"] == ["rules in force for Service web"]


def test_all_spans_are_of_the_pod_s_trace_and_below_the_whole_way(answer: PodTimelineResponse) -> None:
    spans = [span for each in _read(answer).resource_spans for scope in each.scope_spans for span in scope.spans]
    root = spans[0]
    assert {each.trace_id.hex() for each in spans} == {UID.replace("-", "")}
    assert {each.parent_span_id for each in spans} == {b"", root.span_id}
    assert len({each.span_id for each in spans}) == len(spans)
    assert root.end_time_unix_nano - root.start_time_unix_nano == 100_000_000
    assert not root.links


def test_callers_are_links(answer: PodTimelineResponse) -> None:
    caller = TraceContext(b"t" * 16, b"s" * 8)
    root = _read(answer, caller).resource_spans[0].scope_spans[0].spans[0]
    assert [(each.trace_id, each.span_id) for each in root.links] == [(b"t" * 16, b"s" * 8)]


def test_an_id_that_is_no_uuid_still_has_sixteen_bytes() -> None:
    assert len(otlp.trace_id("made by hand")) == 16
