"""The Proxy gRPC service: traces a packet through the node's rules."""

from __future__ import annotations

import grpc

from node.command import CommandError
from node.networkpolicy.enforcer import Enforcer
from node.nftables import Nft
from node.proxy.proxy import Proxy
from node.proxy.tracing import Tracer
from podlab.errors import BadRequest, InternalError, abort
from podlab.v1 import proxy_pb2, proxy_pb2_grpc

PROTOCOLS = ("SCTP", "TCP", "UDP")


class ProxyServicer(proxy_pb2_grpc.ProxyServicer):
    """Serves `podlab.v1.Proxy` from the rules that the kernel has."""

    def __init__(self, proxy: Proxy, enforcer: Enforcer, nft: Nft) -> None:
        self._proxy = proxy
        self._enforcer = enforcer
        self._nft = nft

    async def Trace(  # noqa: N802 - gRPC's name
        self, request: proxy_pb2.TraceRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> proxy_pb2.TraceResponse:
        if request.protocol not in PROTOCOLS:
            await abort(context, BadRequest(f'protocol: Unsupported value: "{request.protocol}": use SCTP, TCP or UDP'))
        try:
            tracer = Tracer(self._proxy.stack_for(request.destination_ip), self._enforcer, self._nft)
            protocol = request.protocol.lower()
            return await tracer.trace(request.source_ip, request.destination_ip, request.port, protocol)
        except ValueError as error:  # not an address
            await abort(context, BadRequest(str(error)))
        except CommandError as error:
            await abort(context, InternalError(f"the node's rules cannot be read: {error}"))
