"""A gRPC call to a component that streams both ways, as bytes."""

from __future__ import annotations

import asyncio
import contextlib

import grpc

from master.apiserver.egress.kubelet.target import Target
from podlab.errors import ApiError, ServiceUnavailable, from_rpc_error


class Duplex:
    """A call that streams both ways, as bytes. Both ways there is no more on the way than gRPC's flow control lets."""

    def __init__(self, call: grpc.aio.StreamStreamCall[bytes, bytes], target: Target) -> None:
        self._call = call
        self._target = target

    async def write(self, message: bytes) -> None:
        """Goes nowhere once the call has ended: its answer says why."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.write(message)

    async def done_writing(self) -> None:
        """Nothing more is written."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.done_writing()

    async def read(self) -> bytes | None:
        """The next answer; None after the last one. Raises what the component answers."""
        try:
            answer = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise told(error, self._target) from error
        return answer if isinstance(answer, bytes) else None  # gRPC's EOF

    def cancel(self) -> None:
        """Ends the call, if it has not ended."""
        self._call.cancel()


def told(error: grpc.aio.AioRpcError, target: Target) -> ApiError:
    """What the component said, or that it could not be reached."""
    said = from_rpc_error(error)
    if error.code() is grpc.StatusCode.UNAVAILABLE and type(said) is ServiceUnavailable:
        return ServiceUnavailable(f"{target} cannot be reached: {error.details()}")
    return said
