"""A driver of devices on a real socket, which keeps the contract of one: what it prepares it can take back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from podlab.foreign.dra.v1 import api_pb2 as dra
from podlab.foreign.dra.v1 import api_pb2_grpc as dra_grpc
from podlab.foreign.pluginregistration.v1 import api_pb2 as registration
from podlab.foreign.pluginregistration.v1 import api_pb2_grpc as registration_grpc
from podlab_testing.devices import DRIVER

Context = grpc.aio.ServicerContext[object, object]


class FakeDriver(dra_grpc.DRAPluginServicer, registration_grpc.RegistrationServicer):
    """`prepared` are the claims' names, `asked` what it was asked in order; with `fails` it says so of each claim. It
    prepares once it `answers`; one who is `waiting` has asked."""

    def __init__(self, *cdi_ids: str, versions: tuple[str, ...] = ("v1.DRAPlugin",), kind: str = "DRAPlugin") -> None:
        self.cdi_ids = cdi_ids
        self.info = registration.PluginInfo(type=kind, name=DRIVER, supported_versions=versions)
        self.prepared: set[str] = set()
        self.asked: list[str] = []
        self.fails = ""
        self.answers, self.waiting = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self.told: registration.RegistrationStatus | None = None

    @asynccontextmanager
    async def serving(self, directory: Path) -> AsyncIterator[None]:
        """On a socket in the kubelet's directory."""
        socket = _socket_in(directory)
        server = grpc.aio.server()
        dra_grpc.add_DRAPluginServicer_to_server(self, server)
        registration_grpc.add_RegistrationServicer_to_server(self, server)
        server.add_insecure_port(f"unix:{socket}")
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)
            socket.unlink(missing_ok=True)

    async def GetInfo(self, request: registration.InfoRequest, context: Context) -> registration.PluginInfo:  # noqa: N802
        return self.info

    async def NotifyRegistrationStatus(  # noqa: N802
        self, request: registration.RegistrationStatus, context: Context
    ) -> registration.RegistrationStatusResponse:
        self.told = request
        return registration.RegistrationStatusResponse()

    async def NodePrepareResources(  # noqa: N802
        self, request: dra.NodePrepareResourcesRequest, context: Context
    ) -> dra.NodePrepareResourcesResponse:
        self.waiting.set()
        await self.answers.wait()
        answer = dra.NodePrepareResourcesResponse()
        for claim in request.claims:
            self.asked.append(f"prepare {claim.name}")
            answer.claims[claim.uid].error = self.fails
            if not self.fails:
                self.prepared.add(claim.name)
                answer.claims[claim.uid].devices.add(
                    request_names=["gpu"], pool_name="n1", device_name="gpu-0", cdi_device_ids=self.cdi_ids
                )
        return answer

    async def NodeUnprepareResources(  # noqa: N802
        self, request: dra.NodeUnprepareResourcesRequest, context: Context
    ) -> dra.NodeUnprepareResourcesResponse:
        answer = dra.NodeUnprepareResourcesResponse()
        for claim in request.claims:
            self.asked.append(f"unprepare {claim.name}")
            answer.claims[claim.uid].error = self.fails
            if not self.fails:
                self.prepared.discard(claim.name)
        return answer


def _socket_in(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "g.sock"
