"""Real packets, sent by the nodes' kubelets on a command's order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc

from podlab.cli import failures
from podlab.client.client import Client
from podlab.errors import ServiceUnavailable
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

OPEN_TIMEOUT_S = 20.0
_GRACE_S = 10.0


class Prober:
    """Sends from one place. `listeners` are where a namespace of its own answers, `mtu` is that of its link."""

    def __init__(self, client: Client, start: kubelet_pb2.ProbeStart) -> None:
        self.listeners: list[kubelet_pb2.ProbeListener] = []
        self.mtu = 0
        self._stub = kubelet_pb2_grpc.KubeletStub(client.channel)
        self._start = start
        self._requests: asyncio.Queue[kubelet_pb2.ProbeRequest | None] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[kubelet_pb2.ProbeResult]] = {}

    async def send(self, leg: kubelet_pb2.ProbeLeg) -> kubelet_pb2.ProbeResult:
        """The result; `failed` when the node does not tell it in time."""
        number = len(self._waiting) + 1
        told: asyncio.Future[kubelet_pb2.ProbeResult] = asyncio.get_running_loop().create_future()
        self._waiting[number] = told
        numbered = kubelet_pb2.ProbeLeg()
        numbered.CopyFrom(leg)
        numbered.id = number
        self._requests.put_nowait(kubelet_pb2.ProbeRequest(leg=numbered))
        try:
            async with asyncio.timeout(leg.timeout_ms / 1000 + _GRACE_S):
                return await told
        except TimeoutError:
            return kubelet_pb2.ProbeResult(outcome="failed", detail="the node does not say what came of it")

    def end(self) -> None:
        """Nothing more is sent; the node may begin to clean up."""
        self._requests.put_nowait(None)

    async def _sent(self) -> AsyncIterator[kubelet_pb2.ProbeRequest]:
        yield kubelet_pb2.ProbeRequest(start=self._start)
        while (request := await self._requests.get()) is not None:
            yield request

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Prober"]:
        """For as long as the block. Raises grpc.RpcError, ServiceUnavailable."""
        call = self._stub.Probe(self._sent())
        reading: asyncio.Task[None] | None = None
        try:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    first = await call.read()
            except TimeoutError as error:
                raise ServiceUnavailable(f"its kubelet does not answer within {OPEN_TIMEOUT_S:.0f} s") from error
            assert isinstance(first, kubelet_pb2.ProbeResponse), "it ends with an error, or begins with `ready`"
            self.listeners, self.mtu = list(first.ready.listeners), first.ready.mtu
            reading = asyncio.create_task(self._read(call))
            yield self
        finally:
            self.end()
            if reading is not None:
                # The node takes away what it made before it ends the call.
                await asyncio.wait((reading,), timeout=_GRACE_S)
                reading.cancel()
            call.cancel()

    async def _read(self, call: grpc.aio.StreamStreamCall[kubelet_pb2.ProbeRequest, kubelet_pb2.ProbeResponse]) -> None:
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                assert isinstance(response, kubelet_pb2.ProbeResponse)
                self._tell(response.result)
        except grpc.aio.AioRpcError as error:
            for number, told in self._waiting.items():
                if not told.done():
                    self._tell(kubelet_pb2.ProbeResult(id=number, outcome="failed", detail=failures.message(error)))

    def _tell(self, result: kubelet_pb2.ProbeResult) -> None:
        told = self._waiting.get(result.id)
        if told is not None and not told.done():
            told.set_result(result)
