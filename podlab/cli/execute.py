"""`podlab exec`: a command in a container, with its streams, its terminal and its exit code."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from podlab.cli import failures, printing, session, terminal, workload
from podlab.cli.options import DEFAULT_NAMESPACE, Container, Namespace, Pod
from podlab.client.client import Client
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc


def execute(
    pod: Pod,
    command: Annotated[list[str], typer.Argument(help="-- COMMAND and its arguments.")],
    namespace: Namespace = DEFAULT_NAMESPACE,
    container: Container = "",
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give the command a terminal.")] = False,
) -> None:
    """Run a command in a container.

    Its exit code is passed on; 126 and 127 say that it could not be run, or was not found.

    \b
    podlab exec web-1 -- cat /etc/hostname
    podlab exec -it deployment/web -- sh
    """
    if tty and not (stdin and sys.stdin.isatty()):
        printing.warn("Unable to use a TTY - input is not a terminal or the right kind of file")
        tty = False
    start = kubelet_pb2.ExecStart(namespace=namespace, command=command, stdin=stdin, tty=tty)
    code = session.run(lambda client: _execute(client, start, pod, container))
    raise typer.Exit(code)


async def _execute(client: Client, start: kubelet_pb2.ExecStart, word: str, container: str) -> int:
    pod = await workload.find_pod(client, word, start.namespace)
    start.pod = pod.metadata.name
    start.container = workload.container_of(pod, container)
    with contextlib.ExitStack() as stack:
        if start.tty:
            stack.enter_context(terminal.raw())
        ended = await _stream(client, start)
    if ended.message:
        printing.warn(f"error: the command could not be run: {reason(ended.message)}")
    elif ended.code:
        printing.warn(f"command terminated with exit code {ended.code}")
    return ended.code


def reason(message: str) -> str:
    """Why, without the chain of programs that passed it on: `exec: "nope": executable file not found in $PATH`."""
    return message.rpartition("unable to start container process: ")[2].removesuffix(": unknown")


async def _stream(client: Client, start: kubelet_pb2.ExecStart) -> kubelet_pb2.ExecExit:
    """Passes input on until it ends, and output until the command does."""
    requests: asyncio.Queue[kubelet_pb2.ExecRequest] = asyncio.Queue(1)
    call = kubelet_pb2_grpc.KubeletStub(client.channel).Exec(_requests(start, requests))
    sender = asyncio.create_task(_send_stdin(requests)) if start.stdin else None
    try:
        with terminal.on_resize(lambda size: _resize(requests, size)) if start.tty else contextlib.nullcontext():
            async for response in call:
                if response.WhichOneof("message") == "exit":
                    return response.exit
                _pass_on(response)
        raise failures.CommandError("the connection to the container ended before the command did")
    finally:
        call.cancel()
        if sender:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def _requests(
    start: kubelet_pb2.ExecStart, following: asyncio.Queue[kubelet_pb2.ExecRequest]
) -> AsyncIterator[kubelet_pb2.ExecRequest]:
    yield kubelet_pb2.ExecRequest(start=start)
    while True:
        yield await following.get()


async def _send_stdin(requests: asyncio.Queue[kubelet_pb2.ExecRequest]) -> None:
    async for chunk in terminal.chunks_of_stdin():
        await requests.put(kubelet_pb2.ExecRequest(stdin=chunk))
    await requests.put(kubelet_pb2.ExecRequest(stdin_end=True))


def _resize(requests: asyncio.Queue[kubelet_pb2.ExecRequest], size: os.terminal_size) -> None:
    request = kubelet_pb2.ExecRequest(resize=kubelet_pb2.TerminalSize(width=size.columns, height=size.lines))
    with contextlib.suppress(asyncio.QueueFull):  # the input is stuck; the next change tells the size again
        requests.put_nowait(request)


def _pass_on(response: kubelet_pb2.ExecResponse) -> None:
    stream = sys.stdout if response.WhichOneof("message") == "stdout" else sys.stderr
    stream.buffer.write(response.stdout or response.stderr)
    stream.buffer.flush()
