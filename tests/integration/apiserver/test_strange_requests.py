"""Requests that no client of ours sends: each gets an answer that says what is wrong, and leaves nothing behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from podlab.client.client import Client
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import ApiError, BadRequest, Invalid, from_rpc_error
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

Make = Callable[..., Any]


async def refusal(call: Any) -> ApiError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return from_rpc_error(refused.value)


async def test_bytes_that_are_no_request_are_told_and_do_not_fill_the_log(
    admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for method in ("Create", "List", "Bind"):
        call = admin.channel.unary_unary(f"/podlab.v1.ApiServer/{method}")(b"\xff\xff")
        error = await refusal(call)
        assert isinstance(error, BadRequest)
        assert str(error) == f"the request is not a podlab.v1.{method}Request"
    assert isinstance(
        await refusal(admin.channel.unary_stream("/podlab.v1.ApiServer/Watch")(b"\xff").read()), BadRequest
    )
    assert not caplog.messages


async def test_what_this_version_does_not_know_is_not_stored(admin: Client, config_map: Make) -> None:
    request = apiserver_pb2.CreateRequest()
    request.object.config_map.MergeFromString(config_map("a").SerializeToString() + b"\xfa\x7f\x07unknown")
    stub: Any = apiserver_pb2_grpc.ApiServerStub(admin.channel)
    await stub.Create(request)
    assert b"unknown" not in (await admin.get(config_pb2.ConfigMap, "a", "default")).SerializeToString()


async def test_an_error_is_told_however_long_what_it_quotes_is(admin: Client, config_map: Make) -> None:
    with pytest.raises(Invalid) as refused:
        await admin.create(config_map("a" * 100_000))
    assert refused.value.causes[0].field == "metadata.name"
    assert str(refused.value).endswith("characters)")


async def test_a_pod_is_bound_to_no_name_that_a_node_cannot_have(admin: Client, pod: Make) -> None:
    await admin.create(pod("a"))
    (result,) = await admin.bind([apiserver_pb2.Binding(namespace="default", name="a", node_name="../n1")])
    assert isinstance(result, BadRequest)
    assert (await admin.get(pod_pb2.Pod, "a", "default")).spec.nodeName == ""


async def test_a_propagation_policy_that_does_not_exist_is_refused(admin: Client, config_map: Make) -> None:
    await admin.create(config_map("a"))
    with pytest.raises(BadRequest, match="propagation_policy: 99 is none of"):
        await admin.delete(config_pb2.ConfigMap, "a", "default", propagation=99)  # type: ignore[arg-type]
