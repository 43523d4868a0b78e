"""The streams of exec and attach, between the caller and containerd's streaming server.

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
# Discards the input of processes that have ended; True when no process is left.
DiscardStdin = Callable[[], Awaitable[bool]]
Requests = AsyncIterator[kubelet_pb2.ExecRequest] | AsyncIterator[kubelet_pb2.AttachRequest]


@dataclass(frozen=True)
class StreamTimeouts:
    """Of a session whose outputs have ended without a status.

    After `first_pause_s` the runtime is asked whether the process has ended, then again after pauses that double up to
    `max_pause_s`. The session ends when the process has ended and no status has followed for `give_up_after_s`.
    """

    first_pause_s: float = 0.1
    max_pause_s: float = 2.0
    give_up_after_s: float = 10.0
    # How long the caller has to end the call after the last response.
    close_s: float = 5.0


DEFAULT_TIMEOUTS = StreamTimeouts()


@dataclass(frozen=True)
class StreamOptions:
    """Which streams there are beside stdout, stderr (without a terminal) and error."""

    stdin: bool
    tty: bool

    def names(self) -> list[str]:
        optional = {"stdin": self.stdin, "stderr": not self.tty, "resize": self.tty}
        return [name for name in ("error", "stdin", "stdout", "stderr", "resize") if optional.get(name, True)]


async def connect(url: str, options: StreamOptions) -> spdy_client.SpdyConnection:
    """Raises SpdyError, OSError."""
    return await spdy_client.connect(url, options.names(), [PROTOCOL])


@asynccontextmanager
async def open_session(
    connection: spdy_client.SpdyConnection,
    options: StreamOptions,
    requests: Requests,
    discard_stdin: DiscardStdin,
    timeouts: StreamTimeouts = DEFAULT_TIMEOUTS,
) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
    """Passes the caller's input on, and gives the output with the name of its stream: stdout, stderr, error.

    The block is left after the last response. Then the caller gets some time to end the call: gRPC replaces the
    response by an error when a call ends while its caller still writes.
    """
    input_task = asyncio.create_task(_pass_input(connection, options, requests))
    end_task = asyncio.create_task(_close_after_process(connection, options, discard_stdin, timeouts))
    try:
        yield _output(connection)
        connection.close()
        await asyncio.wait((input_task,), timeout=timeouts.close_s)
    finally:
        input_task.cancel()
        end_task.cancel()
        connection.close()


async def _output(connection: spdy_client.SpdyConnection) -> AsyncIterator[tuple[str, bytes]]:
    try:
        async for stream, content in connection.received():
            yield stream, content
    except Malformed as error:
        log.warning("the container runtime's streams break off: %s", error)


async def _pass_input(connection: spdy_client.SpdyConnection, options: StreamOptions, requests: Requests) -> None:
    """Passes the caller's input on, to its end. Input that the command does not take is dropped."""
    open_to_input = options.stdin
    try:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "stdin" and open_to_input:
                await connection.send("stdin", request.stdin)
            elif kind == "resize" and options.tty:
                size = {"Width": request.resize.width, "Height": request.resize.height}
                await connection.send("resize", orjson.dumps(size))
            elif kind == "stdin_end" and open_to_input:
                open_to_input = False
                await connection.send("stdin", b"", last=True)
        if open_to_input:  # the call has ended, and with it the input
            await connection.send("stdin", b"", last=True)
    except ConnectionError as error:
        log.debug("the command takes no more input: %s", error)
        async for _ in requests:
            pass


async def _close_after_process(
    connection: spdy_client.SpdyConnection,
    options: StreamOptions,
    discard_stdin: DiscardStdin,
    timeouts: StreamTimeouts,
) -> None:
    """Makes the runtime send the status of a process that ended without reading all of its input.

    containerd first waits for room in the pipe of that input, which nobody reads any more. A process that closes its
    outputs and reads on is left alone.
    """
    outputs = {"stdout"} if options.tty else {"stdout", "stderr"}
    pause_s, ended_for_s = timeouts.first_pause_s, 0.0
    while ended_for_s < timeouts.give_up_after_s:
        await asyncio.sleep(pause_s)
        if not outputs <= connection.ended:
            continue
        try:
            ended_for_s = ended_for_s + pause_s if await discard_stdin() else 0.0
        except RuntimeFailure as error:
            log.warning("cannot ask whether a process that closed its output has ended: %s", error)
        pause_s = min(2 * pause_s, timeouts.max_pause_s)
    connection.close()
