"""The streams of a command, or of a container's own process, between the caller and containerd's streaming server.

The streams and the final status are those of Kubernetes' remote command protocol, version 4
(https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ names it for exec).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from node.kubelet import spdy
from podlab.spdy import Malformed
from podlab.v1 import kubelet_pb2

log = logging.getLogger(__name__)

PROTOCOL = "v4.channel.k8s.io"
STUCK_AFTER_S = 2.0  # both outputs have ended, and the runtime takes no input

Requests = AsyncIterator[kubelet_pb2.ExecRequest] | AsyncIterator[kubelet_pb2.AttachRequest]


@dataclass(frozen=True)
class Wanted:
    """Which streams there are beside stdout and, without a terminal, stderr."""

    stdin: bool
    tty: bool

    def names(self) -> list[str]:
        optional = {"stdin": self.stdin, "stderr": not self.tty, "resize": self.tty}
        return [name for name in ("error", "stdin", "stdout", "stderr", "resize") if optional.get(name, True)]


async def connect(url: str, wanted: Wanted) -> spdy.Connection:
    """Raises SpdyError, OSError."""
    return await spdy.connect(url, wanted.names(), [PROTOCOL])


async def carry(connection: spdy.Connection, wanted: Wanted, requests: Requests) -> AsyncIterator[tuple[str, bytes]]:
    """Passes the caller's input on, and yields output with its stream's name: stdout, stderr, error."""
    feeding = asyncio.create_task(_feed(connection, wanted, requests))
    watching = asyncio.create_task(_end_when_stuck(connection, wanted))
    try:
        async for stream, content in connection.received():
            yield stream, content
    except Malformed as error:
        log.warning("the container runtime's streams break off: %s", error)
    finally:
        feeding.cancel()
        watching.cancel()
        connection.close()


async def _feed(connection: spdy.Connection, wanted: Wanted, requests: Requests) -> None:
    """The caller's input, to its end."""
    open_to_input = wanted.stdin
    try:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "stdin" and open_to_input:
                await connection.send("stdin", request.stdin)
            elif kind == "resize" and wanted.tty:
                size = {"Width": request.resize.width, "Height": request.resize.height}
                await connection.send("resize", orjson.dumps(size))
            elif kind == "stdin_end" and open_to_input:
                open_to_input = False
                await connection.send("stdin", b"", last=True)
        if open_to_input:  # a caller that says no more has no more to say to the command either
            await connection.send("stdin", b"", last=True)
    except ConnectionError as error:
        log.debug("the command takes no more input: %s", error)


async def _end_when_stuck(connection: spdy.Connection, wanted: Wanted) -> None:
    """Ends the connection when the command is over and its input is not.

    containerd 1.6 then waits for ever for room in the pipe that nobody reads any more, and tells no exit code.
    """
    outputs = {"stdout"} if wanted.tty else {"stdout", "stderr"}
    before = 0
    while not (outputs <= connection.ended and 0 < connection.unsent_bytes() == before):
        before = connection.unsent_bytes()
        await asyncio.sleep(STUCK_AFTER_S)
    connection.close()
