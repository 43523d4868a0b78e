"""A collector of OpenTelemetry, outside of the cluster, that an inventory variable names."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from podlab_testing.deployed import Cli, condition_of, pod, wait_until
from podlab_testing.playbook_run import player

from podlab.lab.lab import Lab

TOLD_WITHIN_S = 60.0


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """A collector that keeps what it is told, with OpenTelemetry's own messages."""

    def __init__(self) -> None:
        self.told: queue.Queue[Any] = queue.Queue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.told.put(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, uid: str) -> dict[str, list[Any]]:
        """The pod's, by the services that they are of. Waits for them."""
        while True:
            request = self.told.get(timeout=TOLD_WITHIN_S)
            found: dict[str, list[Any]] = {}
            for each in request.resource_spans:
                about = {one.key: one.value.string_value for one in each.resource.attributes}
                if about.get("k8s.pod.uid") == uid:
                    spans = [span for scope in each.scope_spans for span in scope.spans]
                    found.setdefault(about["service.name"], []).extend(spans)
            if found:
                return found


@pytest.fixture
def receiver(lab: Lab) -> Iterator[Receiver]:
    """Listens where the lab's hosts reach this machine, and is told of to API servers until the test ends."""
    made, server = Receiver(), grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(made, server)
    address = lab.spec().networks[0].gateway
    port = server.add_insecure_port(f"{address}:0")
    server.start()
    play = player(lab.name)
    try:
        outcome = play("site.yml", "--tags", "master", "-e", f"master_otlp_endpoint=http://{address}:{port}")
        assert outcome.code == 0, outcome.text[-3000:]
        yield made
    finally:
        play("site.yml", "--tags", "master")
        server.stop(None)


@pytest.mark.alone  # API servers start anew
def test_a_collector_that_the_inventory_names_is_told_every_step(
    receiver: Receiver, cli: Cli, namespace: str, all_ready: None
) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("told", lifecycle=None))

    def ready() -> dict[str, Any] | None:
        found: dict[str, Any] = cli.get("pod", "told", "-n", namespace)
        return found if condition_of(found, "Ready") == "True" else None

    made = wait_until(ready, "the pod is ready")
    assert made is not None
    uid = made["metadata"]["uid"]
    services = receiver.spans(uid)
    assert services.keys() >= {"podlab-apiserver", "podlab-scheduler", "podlab-kubelet"}
    assert {span.trace_id for spans in services.values() for span in spans} == {uuid.UUID(uid).bytes}
    roots = [span for spans in services.values() for span in spans if not span.parent_span_id]
    (root,) = roots
    assert root.name == f"pod {namespace}/told"
    named = {span.name.partition(" ")[0] for span in services["podlab-kubelet"]}
    assert named >= {"sandbox", "network", "image"}, named
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in services["podlab-kubelet"])
