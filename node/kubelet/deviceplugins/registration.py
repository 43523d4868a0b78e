"""kubelet.sock, by which device plugins make themselves known. A kubelet that starts makes it anew: they watch it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import grpc

from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.plugins import unix_server
from node.kubelet.plugins.registry import PluginRefused
from podlab.errors import ServicerContext
from podlab.foreign.deviceplugin.v1beta1 import api_pb2, api_pb2_grpc

log = logging.getLogger(__name__)

SOCKET = "kubelet.sock"


class RegistrationServicer(api_pb2_grpc.RegistrationServicer):
    """Serves `v1beta1.Registration`."""

    def __init__(self, directory: Path, offers: DeviceOffers) -> None:
        self._directory = directory
        self._offers = offers

    async def Register(  # noqa: N802 - gRPC's name
        self, request: api_pb2.RegisterRequest, context: ServicerContext
    ) -> api_pb2.Empty:
        """See the .proto."""
        try:
            if Path(request.endpoint).name != request.endpoint:
                raise PluginRefused(f'the endpoint "{request.endpoint}" is not the name of a socket')
            endpoint = str(self._directory / request.endpoint)
            await self._offers.register(request.version, request.resource_name, endpoint, request.options)
        except PluginRefused as error:
            log.warning("device plugin %s is not registered: %s", request.resource_name, error)
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return api_pb2.Empty()


async def run(directory: Path, offers: DeviceOffers) -> None:
    """Serves until cancelled. Other sockets that are there are of plugins that have to register anew, which they learn
    by losing them."""
    for left in await asyncio.to_thread(_sockets, directory):
        left.unlink(missing_ok=True)
    servicer = RegistrationServicer(directory, offers)
    await unix_server.run(
        directory / SOCKET, lambda server: api_pb2_grpc.add_RegistrationServicer_to_server(servicer, server)
    )


def _sockets(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_socket()]
    except FileNotFoundError:
        return []
