"""A device plugin, as the kubelet calls it on its socket.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TypeVar

import grpc

from node.kubelet.plugins.registry import OPTIONS
from podlab.foreign.deviceplugin.v1beta1 import api_pb2, api_pb2_grpc

Q = TypeVar("Q")
R = TypeVar("R")
ALLOCATE_TIMEOUT_S = 45.0
PRE_START_TIMEOUT_S = 30.0
_LEFT = "the plugin has left meanwhile"
Devices = Mapping[str, api_pb2.Device]
"""By their ids."""


class DeviceError(Exception):
    """Why a container cannot have its devices, in Kubernetes' words."""


class DevicePlugin:
    """Of one resource. `close` it when another has come in its place."""

    def __init__(self, resource: str, endpoint: str, options: api_pb2.DevicePluginOptions) -> None:
        self.resource = resource
        self.endpoint = endpoint
        self._options = options
        self._channel = grpc.aio.insecure_channel(f"unix:{endpoint}", options=list(OPTIONS))
        self._stub = api_pb2_grpc.DevicePluginStub(self._channel)

    async def close(self) -> None:
        """Lets go of its socket."""
        await self._channel.close()

    async def lists(self) -> AsyncIterator[Devices]:
        """All its devices, at once and whenever they have changed, until it ends."""
        try:
            async for response in self._stub.ListAndWatch(api_pb2.Empty()):
                yield {device.ID: device for device in response.devices}
        except (grpc.aio.AioRpcError, grpc.aio.UsageError):
            return

    async def preferred(self, available: Collection[str], required: Collection[str], count: int) -> Sequence[str]:
        """Which it would rather give away; nothing when it does not mind. Raises DeviceError."""
        if not self._options.get_preferred_allocation_available:
            return ()
        wanted = api_pb2.ContainerPreferredAllocationRequest(
            available_deviceIDs=sorted(available), must_include_deviceIDs=sorted(required), allocation_size=count
        )
        request = api_pb2.PreferredAllocationRequest(container_requests=[wanted])
        answered = await self._call(self._stub.GetPreferredAllocation, request, ALLOCATE_TIMEOUT_S)
        return answered.container_responses[0].deviceIDs if answered.container_responses else ()

    async def allocate(self, ids: Collection[str]) -> api_pb2.ContainerAllocateResponse:
        """What a container needs to use the devices. Raises DeviceError."""
        wanted = api_pb2.ContainerAllocateRequest(devices_ids=sorted(ids))
        answered = await self._call(
            self._stub.Allocate, api_pb2.AllocateRequest(container_requests=[wanted]), ALLOCATE_TIMEOUT_S
        )
        if not answered.container_responses:
            raise DeviceError(f"no containers return in allocation response {answered}")
        return answered.container_responses[0]

    async def pre_start(self, ids: Collection[str]) -> None:
        """Has the devices made ready for another start, if the plugin wants to know of it. Raises DeviceError."""
        if self._options.pre_start_required:
            request = api_pb2.PreStartContainerRequest(devices_ids=sorted(ids))
            await self._call(self._stub.PreStartContainer, request, PRE_START_TIMEOUT_S)

    async def _call(self, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q, timeout_s: float) -> R:
        """A plugin that leaves takes its calls along, as if whoever made them had been cancelled."""
        try:
            return await method(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise DeviceError(f"rpc error: code = {error.code().name} desc = {error.details()}") from error
        except grpc.aio.UsageError as error:
            raise DeviceError(_LEFT) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise DeviceError(_LEFT) from None
