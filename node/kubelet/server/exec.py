"""exec: runs a command in a container, with the streams of the Kubelet service."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

import orjson

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.server import remote_command
from node.kubelet.server.remote_command import DEFAULT_TIMEOUTS, StreamOptions, StreamTimeouts
from node.kubelet.server.spdy_client import SpdyError
from podlab.v1 import kubelet_pb2

# Exit codes as in shells: found but not runnable, and not found.
CANNOT_RUN, NOT_FOUND = 126, 127


async def exec_in_container(
    runtime: Runtime,
    container_id: str,
    start: kubelet_pb2.ExecStart,
    requests: AsyncIterator[kubelet_pb2.ExecRequest],
    timeouts: StreamTimeouts = DEFAULT_TIMEOUTS,
) -> AsyncIterator[kubelet_pb2.ExecResponse]:
    """The command's output, then its exit."""
    options = StreamOptions(start.stdin, start.tty)
    try:
        url = await runtime.exec_url(container_id, start.command, stdin=start.stdin, tty=start.tty)
        connection = await remote_command.connect(url, options)
    except (RuntimeFailure, SpdyError, OSError) as error:
        yield _exit(CANNOT_RUN, str(error))
        return
    status = b""
    discard_stdin = functools.partial(runtime.discard_stdin, container_id)
    async with remote_command.open_session(connection, options, requests, discard_stdin, timeouts) as output:
        async for stream, content in output:
            if stream == "stdout":
                yield kubelet_pb2.ExecResponse(stdout=content)
            elif stream == "stderr":
                yield kubelet_pb2.ExecResponse(stderr=content)
            elif stream == "error":
                status += content
        yield exit_response(status)


def exit_response(status: bytes) -> kubelet_pb2.ExecResponse:
    """The exit that is in the final status."""
    if not status:
        return _exit(CANNOT_RUN, "the container runtime ended the connection without telling how the command ended")
    result = orjson.loads(status)
    if result.get("status") == "Success":
        return _exit(0, "")
    if result.get("reason") == "NonZeroExitCode":
        causes = (result.get("details") or {}).get("causes") or []
        code = next((cause["message"] for cause in causes if cause.get("reason") == "ExitCode"), "1")
        return _exit(int(code), "")
    message = str(result.get("message", "the command cannot be run"))
    missing = "executable file not found" in message or "no such file or directory" in message
    return _exit(NOT_FOUND if missing else CANNOT_RUN, message)


def _exit(code: int, message: str) -> kubelet_pb2.ExecResponse:
    return kubelet_pb2.ExecResponse(exit=kubelet_pb2.ExecExit(code=code, message=message))
