"""Runs a command in a container and carries its streams, as the Kubelet service has them."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import orjson

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.server import remote_command
from node.kubelet.server.remote_command import Wanted
from node.kubelet.server.spdy_client import SpdyError
from podlab.v1 import kubelet_pb2

# As shells have them: found but not runnable, and not found.
CANNOT_RUN, NOT_FOUND = 126, 127


async def execute(
    runtime: Runtime,
    container_id: str,
    start: kubelet_pb2.ExecStart,
    requests: AsyncIterator[kubelet_pb2.ExecRequest],
) -> AsyncIterator[kubelet_pb2.ExecResponse]:
    """The command's output; last of all its exit."""
    wanted = Wanted(start.stdin, start.tty)
    try:
        url = await runtime.exec_url(container_id, start.command, stdin=start.stdin, tty=start.tty)
        connection = await remote_command.connect(url, wanted)
    except (RuntimeFailure, SpdyError, OSError) as error:
        yield _exit(CANNOT_RUN, str(error))
        return
    status = b""
    drop_input = functools.partial(runtime.drop_input, container_id)
    async with remote_command.carried(connection, wanted, requests, drop_input) as output:
        async for stream, content in output:
            if stream == "stdout":
                yield kubelet_pb2.ExecResponse(stdout=content)
            elif stream == "stderr":
                yield kubelet_pb2.ExecResponse(stderr=content)
            elif stream == "error":
                status += content
        yield outcome(status)


def outcome(status: bytes) -> kubelet_pb2.ExecResponse:
    """The exit that the final status tells."""
    if not status:
        return _exit(CANNOT_RUN, "the container runtime ended the connection without telling how the command ended")
    told = orjson.loads(status)
    if told.get("status") == "Success":
        return _exit(0, "")
    if told.get("reason") == "NonZeroExitCode":
        causes = (told.get("details") or {}).get("causes") or []
        code = next((cause["message"] for cause in causes if cause.get("reason") == "ExitCode"), "1")
        return _exit(int(code), "")
    message = str(told.get("message", "the command cannot be run"))
    missing = "executable file not found" in message or "no such file or directory" in message
    return _exit(NOT_FOUND if missing else CANNOT_RUN, message)


def _exit(code: int, message: str) -> kubelet_pb2.ExecResponse:
    return kubelet_pb2.ExecResponse(exit=kubelet_pb2.ExecExit(code=code, message=message))
