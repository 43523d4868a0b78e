"""What components remember of a pod, asked for by the API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster

from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import Forbidden, NotFound, from_rpc_error
from podlab.spans import keys, service
from podlab.spans.spans import Spans
from podlab.v1 import timeline_pb2 as pb
from podlab.v1 import timeline_pb2_grpc

Make = Callable[..., Any]


@pytest.fixture
async def remembered(cluster: Cluster, admin: Client, node: Make, pod: Make) -> AsyncIterator[Spans]:
    """Of a kubelet of node n1, on which pod web is. No other component runs."""
    server, spans = grpc.aio.server(), Spans()
    service.add_to(server, spans)
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    await admin.create(node("n1", "127.0.0.1", port))
    await admin.create(pod("web", node="n1"))
    try:
        yield spans
    finally:
        await server.stop(None)


async def _asked(client: Client, name: str = "web") -> pb.PodTimelineResponse:
    stub: timeline_pb2_grpc.TimelineAsyncStub = timeline_pb2_grpc.TimelineStub(client.channel)
    try:
        return await stub.PodTimeline(pb.PodTimelineRequest(namespace="default", name=name))
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


def _of(answer: pb.PodTimelineResponse, component: str) -> pb.ComponentSpans:
    return next(each for each in answer.components if each.component == component)


async def test_the_server_remembers_when_it_stored_the_pod(remembered: Spans, admin: Client) -> None:
    own = _of(await _asked(admin), "apiserver")
    assert [each.name for each in own.spans] == ["stored"]
    assert 0 < own.spans[0].ended_ns - own.spans[0].began_ns < 10**10


async def test_what_the_kubelet_remembers_comes_with_how_far_its_clock_is_ahead(
    remembered: Spans, admin: Client
) -> None:
    uid = (await _asked(admin)).uid
    remembered.note(uid, "sandbox", 1.0, 2.0)
    remembered.note("another", "sandbox", 1.0, 2.0)
    kubelet = _of(await _asked(admin), "kubelet")
    assert (kubelet.node, kubelet.error) == ("n1", "")
    assert [(each.key, each.name) for each in kubelet.spans] == [(uid, "sandbox")]
    assert abs(kubelet.skew_ns) <= kubelet.skew_error_ns < 10**10


async def test_components_that_cannot_be_reached_are_named_and_the_others_answer(
    remembered: Spans, admin: Client
) -> None:
    answer = await _asked(admin)
    assert [each.component for each in answer.components if not each.error] == ["apiserver", "kubelet"]
    assert "cannot be reached" in _of(answer, "scheduler").error
    assert {each.node for each in answer.components if each.component in ("proxy", "dns")} == {"n1"}


async def test_what_made_the_pod_is_told_as_far_as_it_is_there(remembered: Spans, admin: Client, pod: Make) -> None:
    made = pod("owned", node="n1")
    made.metadata.ownerReferences.add(apiVersion="apps/v1", kind="ReplicaSet", name="web", uid="rs", controller=True)
    await admin.create(made)
    assert [(each.uid, each.kind, each.name) for each in (await _asked(admin, "owned")).owners] == [
        ("rs", "ReplicaSet", "web")
    ]


async def test_only_who_may_get_the_pod_is_told(remembered: Spans, cluster: Cluster, admin: Client) -> None:
    stranger = await cluster.client("jane")
    with pytest.raises(Forbidden, match='cannot get resource "pods"'):
        await _asked(stranger)
    with pytest.raises(NotFound, match='pods "missing" not found'):
        await _asked(admin, "missing")


async def test_several_pods_are_asked_for_at_once_and_each_is_told_its_own(
    remembered: Spans, cluster: Cluster, admin: Client, pod: Make
) -> None:
    other = await admin.create(pod("other", node="n1"))
    web = await admin.get(type(other), "web", "default")
    for each in (web, other):
        remembered.note(each.metadata.uid, "sandbox", 1.0, 2.0)
    assert cluster.parts is not None
    answers = await cluster.parts.timelines.pods([other, web])
    assert [each.uid for each in answers] == [other.metadata.uid, web.metadata.uid]
    for each in answers:
        assert [one.key for one in _of(each, "kubelet").spans] == [each.uid]


async def test_what_the_kubelet_remembers_of_a_static_pod_is_its_mirrors(
    remembered: Spans, admin: Client, pod: Make
) -> None:
    static, mirror = "0123456789abcdef" * 2, pod("static", node="n1")
    mirror.metadata.annotations["kubernetes.io/config.mirror"] = static
    uid = (await admin.create(mirror)).metadata.uid
    remembered.note(static, "sandbox", 1.0, 2.0)
    told = _of(await _asked(admin, "static"), "kubelet")
    assert [(each.key, each.name) for each in told.spans] == [(uid, "sandbox")]


async def test_nobody_is_told_of_another_pod_by_calling_his_own_its_mirror(
    remembered: Spans, admin: Client, pod: Make
) -> None:
    other = (await _asked(admin)).uid
    remembered.note(other, "sandbox", 1.0, 2.0)
    forged = pod("forged", node="n1")
    forged.metadata.annotations["kubernetes.io/config.mirror"] = other
    await admin.create(forged)
    assert not _of(await _asked(admin, "forged"), "kubelet").spans


async def test_a_pod_has_not_waited_for_a_service_that_was_made_when_it_was_ready(
    remembered: Spans, cluster: Cluster, admin: Client, pod: Make
) -> None:
    web = await admin.get(Pod, "web", "default")
    for name in ("earlier", "later"):
        service_made = Service()
        service_made.metadata.name, service_made.metadata.namespace = name, "default"
        service_made.spec.ports.add(port=80)
        made = await admin.create(service_made)
        written = EndpointSlice(addressType="IPv4")
        written.metadata.name, written.metadata.namespace = name, "default"
        written.metadata.labels["kubernetes.io/service-name"] = name
        endpoint = written.endpoints.add(addresses=["10.0.0.1"])
        endpoint.targetRef.kind, endpoint.targetRef.name, endpoint.targetRef.uid = "Pod", "web", web.metadata.uid
        await admin.create(written)
        if name == "earlier":  # made in the second in which the pod became ready: it may have waited
            web.status.conditions.add(type="Ready", status="True", lastTransitionTime=made.metadata.creationTimestamp)
            await admin.update_status(web)
            await asyncio.sleep(1.1)
    remembered.note(web.metadata.uid, "endpoints", 1.0, 2.0, "earlier")
    remembered.note(web.metadata.uid, "endpoints", 3.0, 4.0, "later")
    for name in ("earlier", "later"):
        remembered.note(keys.endpoint("default", name, "10.0.0.1"), "rules", 1.0, 2.0, name)
    told = _of(await _asked(admin), "kubelet")
    assert [(each.name, each.detail) for each in told.spans] == [("endpoints", "earlier"), ("rules", "earlier")]
