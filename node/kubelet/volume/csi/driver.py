"""A driver of volumes, as the kubelet calls it on its socket. https://github.com/container-storage-interface/spec"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import grpc

from node.kubelet.plugins.registry import OPTIONS
from podlab.foreign.csi.v1 import csi_pb2, csi_pb2_grpc

Q = TypeVar("Q")
R = TypeVar("R")
CALL_TIMEOUT_S = 120.0
Capability = csi_pb2.NodeServiceCapability.RPC


class CsiError(Exception):
    """What a driver could not do, or that there is none, in Kubernetes' words."""


@dataclass(frozen=True)
class NodeInfo:
    """What the driver calls the node, how many volumes it takes (0: any number), and the labels of its place."""

    node_id: str
    max_volumes: int
    topology: dict[str, str]


class CsiDriver:
    """Calls are idempotent: what was asked for before is asked for again after a failure. All raise CsiError."""

    def __init__(self, name: str, endpoint: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.name = name
        self.endpoint = endpoint
        self._timeout_s = timeout_s
        self._channel = grpc.aio.insecure_channel(f"unix:{endpoint}", options=list(OPTIONS))
        self._stub = csi_pb2_grpc.NodeStub(self._channel)
        self._capabilities: frozenset[int] | None = None

    async def close(self) -> None:
        await self._channel.close()

    async def info(self) -> NodeInfo:
        answer = await self._call(self._stub.NodeGetInfo, csi_pb2.NodeGetInfoRequest())
        return NodeInfo(answer.node_id, answer.max_volumes_per_node, dict(answer.accessible_topology.segments))

    async def can(self, capability: Capability.Type.ValueType) -> bool:
        """Asked once of each driver."""
        if self._capabilities is None:
            answer = await self._call(self._stub.NodeGetCapabilities, csi_pb2.NodeGetCapabilitiesRequest())
            self._capabilities = frozenset(each.rpc.type for each in answer.capabilities)
        return capability in self._capabilities

    async def stage(self, request: csi_pb2.NodeStageVolumeRequest) -> None:
        await self._call(self._stub.NodeStageVolume, request)

    async def unstage(self, volume_id: str, path: str) -> None:
        request = csi_pb2.NodeUnstageVolumeRequest(volume_id=volume_id, staging_target_path=path)
        await self._call(self._stub.NodeUnstageVolume, request)

    async def publish(self, request: csi_pb2.NodePublishVolumeRequest) -> None:
        await self._call(self._stub.NodePublishVolume, request)

    async def expand(self, request: csi_pb2.NodeExpandVolumeRequest) -> None:
        await self._call(self._stub.NodeExpandVolume, request)

    async def stats(self, request: csi_pb2.NodeGetVolumeStatsRequest) -> csi_pb2.NodeGetVolumeStatsResponse:
        return await self._call(self._stub.NodeGetVolumeStats, request)

    async def unpublish(self, volume_id: str, path: str) -> None:
        request = csi_pb2.NodeUnpublishVolumeRequest(volume_id=volume_id, target_path=path)
        await self._call(self._stub.NodeUnpublishVolume, request)

    async def _call(self, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q) -> R:
        try:
            return await method(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            name = error.code().name.replace("_", " ").title().replace(" ", "")
            raise CsiError(f"rpc error: code = {name} desc = {error.details()}") from error
        except grpc.aio.UsageError as error:
            raise CsiError(f"driver {self.name} has left meanwhile") from error
