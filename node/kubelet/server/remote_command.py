"""The streams of a command, or of a container's own process, between the caller and containerd's streaming server.

The streams and the final status are those of Kubernetes' remote command protocol, version 4
(https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ names it for exec).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.server import spdy_client
from podlab.spdy import Malformed
from podlab.v1 import kubelet_pb2

log = logging.getLogger(__name__)

PROTOCOL = "v4.channel.k8s.io"
# The outputs have ended, and no status follows: from when on it is asked whether the process has, and how often.
FIRST_LOOK_S, MOST_BETWEEN_LOOKS_S = 0.1, 2.0
# No process is left, what was not read is thrown away, and still no status.
GIVE_UP_AFTER_S = 10.0
# After the last answer, until the caller ends the call.
FAREWELL_S = 5.0

# Throws away what was given to processes that have ended; True when none is left that could read.
DropInput = Callable[[], Awaitable[bool]]
Requests = AsyncIterator[kubelet_pb2.ExecRequest] | AsyncIterator[kubelet_pb2.AttachRequest]


@dataclass(frozen=True)
class Wanted:
    """Which streams there are beside stdout and, without a terminal, stderr."""

    stdin: bool
    tty: bool

    def names(self) -> list[str]:
        optional = {"stdin": self.stdin, "stderr": not self.tty, "resize": self.tty}
        return [name for name in ("error", "stdin", "stdout", "stderr", "resize") if optional.get(name, True)]


async def connect(url: str, wanted: Wanted) -> spdy_client.Connection:
    """Raises SpdyError, OSError."""
    return await spdy_client.connect(url, wanted.names(), [PROTOCOL])


@asynccontextmanager
async def carried(
    connection: spdy_client.Connection, wanted: Wanted, requests: Requests, drop_input: DropInput
) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
    """Passes the caller's input on; gives the output with its stream's name: stdout, stderr, error.

    When the block is left the caller has heard how it ended. A call that ends while its caller still writes is broken
    off for it with an error of gRPC's own, instead of what it was answered: so the caller is to end it.
    """
    feeding = asyncio.create_task(_feed(connection, wanted, requests))
    watching = asyncio.create_task(_end_with_the_process(connection, wanted, drop_input))
    try:
        yield _output(connection)
        connection.close()
        await asyncio.wait((feeding,), timeout=FAREWELL_S)
    finally:
        feeding.cancel()
        watching.cancel()
        connection.close()


async def _output(connection: spdy_client.Connection) -> AsyncIterator[tuple[str, bytes]]:
    try:
        async for stream, content in connection.received():
            yield stream, content
    except Malformed as error:
        log.warning("the container runtime's streams break off: %s", error)


async def _feed(connection: spdy_client.Connection, wanted: Wanted, requests: Requests) -> None:
    """The caller's input, to its end; what the command does not take goes nowhere."""
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
        async for _ in requests:
            pass


async def _end_with_the_process(connection: spdy_client.Connection, wanted: Wanted, drop_input: DropInput) -> None:
    """Lets the runtime tell how a process ended that did not read all of its input.

    containerd waits for room in the pipe of its input, which nobody reads any more, before it tells the exit code. A
    process may also end its outputs and read on: that one goes on.
    """
    outputs = {"stdout"} if wanted.tty else {"stdout", "stderr"}
    pause, over_for_s = FIRST_LOOK_S, 0.0
    while over_for_s < GIVE_UP_AFTER_S:
        await asyncio.sleep(pause)
        if not outputs <= connection.ended:
            continue
        try:
            over_for_s = over_for_s + pause if await drop_input() else 0.0
        except RuntimeFailure as error:
            log.warning("whether a process has ended that ended its output: %s", error)
        pause = min(2 * pause, MOST_BETWEEN_LOOKS_S)
    connection.close()
