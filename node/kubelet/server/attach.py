"""Joins the streams of a container's own process, as the Kubelet service has them."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import orjson

from node.kubelet.cri.runtime import Runtime
from node.kubelet.server import remote_command
from node.kubelet.server.remote_command import Wanted
from node.kubelet.server.spdy_client import SpdyError
from podlab.core.v1 import pod_pb2
from podlab.errors import InternalError
from podlab.v1 import kubelet_pb2


async def attach(
    runtime: Runtime,
    container_id: str,
    container: pod_pb2.Container,
    start: kubelet_pb2.AttachStart,
    requests: AsyncIterator[kubelet_pb2.AttachRequest],
) -> AsyncIterator[kubelet_pb2.AttachResponse]:
    """The container's output; last of all its end. Raises RuntimeFailure, InternalError.

    Whether there is a terminal or an input, the container was made to say, not the caller.
    """
    wanted = Wanted(start.stdin and container.stdin, container.tty)
    url = await runtime.attach_url(container_id, stdin=wanted.stdin, tty=wanted.tty)
    try:
        connection = await remote_command.connect(url, wanted)
    except (SpdyError, OSError) as error:
        raise InternalError(str(error)) from error
    status = b""
    drop_input = functools.partial(runtime.drop_input, container_id)
    async with remote_command.carried(connection, wanted, requests, drop_input) as output:
        async for stream, content in output:
            if stream == "stdout":
                yield kubelet_pb2.AttachResponse(stdout=content)
            elif stream == "stderr":
                yield kubelet_pb2.AttachResponse(stderr=content)
            elif stream == "error":
                status += content
        yield kubelet_pb2.AttachResponse(end=kubelet_pb2.AttachEnd(message=_complaint(status)))


def _complaint(status: bytes) -> str:
    """Of the final status, where it tells one."""
    told = orjson.loads(status) if status else {}
    failed = status and told.get("status") != "Success"
    return str(told.get("message", "the streams broke off")) if failed else ""
