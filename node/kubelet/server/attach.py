"""attach: joins the streams of a container's own process to those of the Kubelet service."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import orjson

from node.kubelet.cri.runtime import Runtime
from node.kubelet.server import remote_command
from node.kubelet.server.remote_command import StreamOptions
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
    """The container's output, then its end. Raises RuntimeFailure, InternalError.

    The container's spec says whether it has a terminal and an input, not the caller.
    """
    options = StreamOptions(start.stdin and container.stdin, container.tty)
    url = await runtime.attach_url(container_id, stdin=options.stdin, tty=options.tty)
    try:
        connection = await remote_command.connect(url, options)
    except (SpdyError, OSError) as error:
        raise InternalError(str(error)) from error
    status = b""
    discard_stdin = functools.partial(runtime.discard_stdin, container_id)
    async with remote_command.open_session(connection, options, requests, discard_stdin) as output:
        async for stream, content in output:
            if stream == "stdout":
                yield kubelet_pb2.AttachResponse(stdout=content)
            elif stream == "stderr":
                yield kubelet_pb2.AttachResponse(stderr=content)
            elif stream == "error":
                status += content
        yield kubelet_pb2.AttachResponse(end=kubelet_pb2.AttachEnd(message=_failure(status)))


def _failure(status: bytes) -> str:
    """The message of a final status that is no success; else empty."""
    result = orjson.loads(status) if status else {}
    failed = status and result.get("status") != "Success"
    return str(result.get("message", "the streams broke off")) if failed else ""
