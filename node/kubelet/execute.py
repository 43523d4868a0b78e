"""Runs a command in a container and carries its streams, as the Kubelet service has them.

The streams and the final status are those of Kubernetes' remote command protocol, version 4
(https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ names it for exec).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import orjson

from node.kubelet import spdy
from node.kubelet.runtime import Runtime, RuntimeFailure
from podlab.v1 import kubelet_pb2

log = logging.getLogger(__name__)

PROTOCOL = "v4.channel.k8s.io"
# As shells have them: found but not runnable, and not found.
CANNOT_RUN, NOT_FOUND = 126, 127
STUCK_AFTER_S = 2.0  # both outputs have ended, and the runtime takes no input


async def execute(
    runtime: Runtime,
    container_id: str,
    start: kubelet_pb2.ExecStart,
    requests: AsyncIterator[kubelet_pb2.ExecRequest],
) -> AsyncIterator[kubelet_pb2.ExecResponse]:
    """The command's output; last of all its exit."""
    try:
        url = await runtime.exec_url(container_id, start.command, stdin=start.stdin, tty=start.tty)
        connection = await spdy.connect(url, _streams(start), [PROTOCOL])
    except (RuntimeFailure, spdy.SpdyError, OSError) as error:
        yield _exit(CANNOT_RUN, str(error))
        return
    feeding = asyncio.create_task(_feed(connection, start, requests))
    watching = asyncio.create_task(_end_when_stuck(connection, start))
    status = b""
    try:
        async for stream, content in connection.received():
            if stream == "stdout":
                yield kubelet_pb2.ExecResponse(stdout=content)
            elif stream == "stderr":
                yield kubelet_pb2.ExecResponse(stderr=content)
            elif stream == "error":
                status += content
    finally:
        feeding.cancel()
        watching.cancel()
        connection.close()
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


def _streams(start: kubelet_pb2.ExecStart) -> list[str]:
    optional = {"stdin": start.stdin, "stderr": not start.tty, "resize": start.tty}
    return [name for name in ("error", "stdin", "stdout", "stderr", "resize") if optional.get(name, True)]


async def _feed(
    connection: spdy.Connection, start: kubelet_pb2.ExecStart, requests: AsyncIterator[kubelet_pb2.ExecRequest]
) -> None:
    """The caller's input, to its end."""
    try:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "stdin" and start.stdin:
                await connection.send("stdin", request.stdin)
            elif kind == "resize" and start.tty:
                size = {"Width": request.resize.width, "Height": request.resize.height}
                await connection.send("resize", orjson.dumps(size))
            elif kind == "stdin_end" and start.stdin:
                await connection.send("stdin", b"", last=True)
                return
        if start.stdin:  # a caller that says no more has no more to say to the command either
            await connection.send("stdin", b"", last=True)
    except ConnectionError as error:
        log.debug("the command takes no more input: %s", error)


async def _end_when_stuck(connection: spdy.Connection, start: kubelet_pb2.ExecStart) -> None:
    """Ends the connection when the command is over and its input is not.

    containerd 1.6 then waits for ever for room in the pipe that nobody reads any more, and tells no exit code.
    """
    outputs = {"stdout"} if start.tty else {"stdout", "stderr"}
    before = 0
    while not (outputs <= connection.ended and 0 < connection.unsent_bytes() == before):
        before = connection.unsent_bytes()
        await asyncio.sleep(STUCK_AFTER_S)
    connection.close()


def _exit(code: int, message: str) -> kubelet_pb2.ExecResponse:
    return kubelet_pb2.ExecResponse(exit=kubelet_pb2.ExecExit(code=code, message=message))
