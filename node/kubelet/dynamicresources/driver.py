"""A driver of devices, as the kubelet calls it on its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import grpc

from node.kubelet.dynamicresources.prepared import PreparedClaim, PreparedDevice
from node.kubelet.plugins.registry import OPTIONS
from podlab.foreign.dra.v1 import api_pb2, api_pb2_grpc

Q = TypeVar("Q")
R = TypeVar("R")
CALL_TIMEOUT_S = 45.0
_LEFT = "the driver has left meanwhile"


class DriverError(Exception):
    """What a driver could not do, or that there is none, in Kubernetes' words."""


class _Answer(Protocol):
    error: str


class Driver:
    """Calls are idempotent: what was asked for before is asked for again after a failure."""

    def __init__(self, name: str, endpoint: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.name = name
        self.endpoint = endpoint
        self._timeout_s = timeout_s
        self._channel = grpc.aio.insecure_channel(f"unix:{endpoint}", options=list(OPTIONS))
        self._stub = api_pb2_grpc.DRAPluginStub(self._channel)

    async def close(self) -> None:
        await self._channel.close()

    async def prepare(self, claims: Sequence[PreparedClaim]) -> dict[str, list[PreparedDevice]]:
        """The driver's devices by the claims' uids. Raises DriverError unless all claims are prepared."""
        request = api_pb2.NodePrepareResourcesRequest(claims=map(_named, claims))
        answered = (await self._call("NodePrepareResources", self._stub.NodePrepareResources, request)).claims
        _check("NodePrepareResources", claims, answered)
        return {uid: [self._device(one) for one in result.devices] for uid, result in answered.items()}

    async def unprepare(self, claims: Sequence[PreparedClaim]) -> None:
        """Raises DriverError unless nothing of the claims is left with the driver."""
        request = api_pb2.NodeUnprepareResourcesRequest(claims=map(_named, claims))
        answered = (await self._call("NodeUnprepareResources", self._stub.NodeUnprepareResources, request)).claims
        _check("NodeUnprepareResources", claims, answered)

    async def _call(self, name: str, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q) -> R:
        """A driver that leaves takes its calls along, as if whoever made them had been cancelled."""
        try:
            return await method(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            told = f"rpc error: code = {error.code().name} desc = {error.details()}"
            raise DriverError(f"{name}: {told}") from error
        except grpc.aio.UsageError as error:
            raise DriverError(f"{name}: {_LEFT}") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise DriverError(f"{name}: {_LEFT}") from None

    def _device(self, one: api_pb2.Device) -> PreparedDevice:
        return PreparedDevice(
            self.name, one.pool_name, one.device_name, tuple(one.request_names), tuple(one.cdi_device_ids)
        )


def _named(claim: PreparedClaim) -> api_pb2.Claim:
    return api_pb2.Claim(namespace=claim.namespace, uid=claim.uid, name=claim.name)


def _check(method: str, claims: Sequence[PreparedClaim], answered: Mapping[str, _Answer]) -> None:
    names = {claim.uid: claim.name for claim in claims}
    for uid, result in answered.items():
        if uid not in names:
            raise DriverError(f"{method} returned result for unknown claim UID {uid}")
        if result.error:
            raise DriverError(f"{method} failed for ResourceClaim {names[uid]}: {result.error}")
    if missing := len(names.keys() - answered.keys()):
        raise DriverError(f"{method} skipped {missing} ResourceClaims")
