"""A device plugin on a real socket, whose devices and answers tests choose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from podlab.foreign.deviceplugin.v1beta1 import api_pb2, api_pb2_grpc
from podlab_testing.waiting import WITHIN_S

RESOURCE = "example.com/gpu"
Context = grpc.aio.ServicerContext[object, object]


@dataclass
class TestPlugin(api_pb2_grpc.DevicePluginServicer):
    """Its socket stands in the kubelet's directory of device plugins."""

    __test__ = False
    directory: Path
    resource: str = RESOURCE
    version: str = "v1beta1"
    endpoint: str = "gpu.sock"
    refusal: str = ""
    """Why it allocates nothing."""
    answering: asyncio.Event | None = None
    """It answers who wants to allocate only once this is set."""
    allocated: list[list[str]] = field(default_factory=list)
    reset: list[list[str]] = field(default_factory=list)
    preferred: list[str] = field(default_factory=list)
    _devices: dict[str, str] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: grpc.aio.Server | None = None

    async def start(self, **health: str) -> None:
        """Serves devices of this health, and registers. A kubelet that starts removes all sockets before it makes its
        own."""
        async with asyncio.timeout(WITHIN_S):
            while not (self.directory / "kubelet.sock").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        self._devices = health
        self._server = grpc.aio.server()
        api_pb2_grpc.add_DevicePluginServicer_to_server(self, self._server)
        self._server.add_insecure_port(f"unix:{self.directory / self.endpoint}")
        await self._server.start()
        async with grpc.aio.insecure_channel(f"unix:{self.directory / 'kubelet.sock'}") as channel:
            request = api_pb2.RegisterRequest(
                version=self.version, endpoint=self.endpoint, resource_name=self.resource, options=self._options()
            )
            await api_pb2_grpc.RegistrationStub(channel).Register(request, timeout=WITHIN_S, wait_for_ready=True)

    async def set(self, **health: str) -> None:
        """From now on it has these devices."""
        async with self._changed:
            self._devices = health
            self._changed.notify_all()

    async def stop(self) -> None:
        """As if it had been killed."""
        if self._server is not None:
            await self._server.stop(0)

    def _options(self) -> api_pb2.DevicePluginOptions:
        return api_pb2.DevicePluginOptions(
            pre_start_required=True, get_preferred_allocation_available=bool(self.preferred)
        )

    async def GetDevicePluginOptions(self, request: api_pb2.Empty, context: Context) -> api_pb2.DevicePluginOptions:  # noqa: N802
        return self._options()

    async def ListAndWatch(  # noqa: N802
        self, request: api_pb2.Empty, context: Context
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        while True:
            told = dict(self._devices)
            response = api_pb2.ListAndWatchResponse()
            for name, health in told.items():
                response.devices.add(ID=name, health=health).topology.nodes.add(ID=int(name[-1]) % 2)
            yield response
            async with self._changed:
                while self._devices == told:
                    await self._changed.wait()

    async def GetPreferredAllocation(  # noqa: N802
        self, request: api_pb2.PreferredAllocationRequest, context: Context
    ) -> api_pb2.PreferredAllocationResponse:
        answered = api_pb2.ContainerPreferredAllocationResponse(deviceIDs=self.preferred)
        return api_pb2.PreferredAllocationResponse(container_responses=[answered])

    async def Allocate(self, request: api_pb2.AllocateRequest, context: Context) -> api_pb2.AllocateResponse:  # noqa: N802
        if self.answering is not None:
            await self.answering.wait()
        if self.refusal:
            await context.abort(grpc.StatusCode.UNKNOWN, self.refusal)
        answer = api_pb2.AllocateResponse()
        for wanted in request.container_requests:
            self.allocated.append(list(wanted.devices_ids))
            given = answer.container_responses.add(
                envs={"DEVICES": ",".join(wanted.devices_ids), "COLOUR": "the plugin's"},
                annotations={"example.com/gpu": "here"},
            )
            given.mounts.add(container_path="/lib/gpu", host_path="/var/lib/gpu", read_only=True)
            for name in wanted.devices_ids:
                given.devices.add(container_path=f"/dev/{name}", host_path="/dev/null", permissions="rw")
        return answer

    async def PreStartContainer(  # noqa: N802
        self, request: api_pb2.PreStartContainerRequest, context: Context
    ) -> api_pb2.PreStartContainerResponse:
        self.reset.append(list(request.devices_ids))
        return api_pb2.PreStartContainerResponse()
