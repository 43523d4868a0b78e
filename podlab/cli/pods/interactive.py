"""A call that carries the user's terminal or pipes to a container and back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from podlab.cli import failures
from podlab.cli.pods import terminal
from podlab.v1 import kubelet_pb2

R = TypeVar("R", kubelet_pb2.ExecRequest, kubelet_pb2.AttachRequest)
_LAST = ("exit", "end")


class Session(Generic[R]):
    """`first` is the call's first request, whose `start` says what is wanted."""

    def __init__(self, method: Callable[..., Any], first: R, *, tty: bool) -> None:
        self._method = method
        self._first: R = first
        self._tty = tty
        self._requests: asyncio.Queue[R] = asyncio.Queue(1)

    async def run(self) -> Any:
        """Passes input on until it ends, and output until the call's last response, which is returned."""
        with contextlib.ExitStack() as stack:
            if self._tty:
                stack.enter_context(terminal.raw())
            call = self._method(self._sent())
            sender = asyncio.create_task(self._send_stdin()) if self._first.start.stdin else None
            try:
                with terminal.on_resize(self._resize) if self._tty else contextlib.nullcontext():
                    async for response in call:
                        if response.WhichOneof("message") in _LAST:
                            return response
                        _pass_on(response)
                raise failures.CommandError("the connection to the container ended before the command did")
            finally:
                call.cancel()
                if sender:
                    sender.cancel()
                    await asyncio.gather(sender, return_exceptions=True)

    async def _sent(self) -> AsyncIterator[R]:
        yield self._first
        while True:
            yield await self._requests.get()

    async def _send_stdin(self) -> None:
        request = type(self._first)
        async for chunk in terminal.chunks_of_stdin():
            await self._requests.put(request(stdin=chunk))
        await self._requests.put(request(stdin_end=True))

    def _resize(self, size: os.terminal_size) -> None:
        request = type(self._first)(resize=kubelet_pb2.TerminalSize(width=size.columns, height=size.lines))
        with contextlib.suppress(asyncio.QueueFull):  # the input is stuck; the next change tells the size again
            self._requests.put_nowait(request)


def _pass_on(response: kubelet_pb2.ExecResponse | kubelet_pb2.AttachResponse) -> None:
    stream = sys.stdout if response.WhichOneof("message") == "stdout" else sys.stderr
    stream.buffer.write(response.stdout or response.stderr)
    stream.buffer.flush()
