"""The Proxy gRPC service: traces a packet through the rules."""

from __future__ import annotations

import grpc

from node.proxy.proxy import Proxy
from node.tracing.follow import follow
from node.tracing.packet import Packet
from podlab.errors import BadRequest, abort
from podlab.v1 import proxy_pb2, proxy_pb2_grpc

PROTOCOLS = ("SCTP", "TCP", "UDP")


class ProxyServicer(proxy_pb2_grpc.ProxyServicer):
    """Serves `podlab.v1.Proxy` from the rules as last written."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def Trace(  # noqa: N802 - gRPC's name
        self, request: proxy_pb2.TraceRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> proxy_pb2.TraceResponse:
        if request.protocol not in PROTOCOLS:
            await abort(context, BadRequest(f'protocol: Unsupported value: "{request.protocol}": use SCTP, TCP or UDP'))
        try:
            stack = self._proxy.stack_for(request.destination_ip)
            packet = Packet(
                source=request.source_ip,
                destination=request.destination_ip,
                port=request.port,
                protocol=request.protocol.lower(),
                local=request.destination_ip in stack.node.addresses,
                from_node=request.source_ip in stack.node.addresses,
            )
            found = follow(stack.backend.wanted()(), packet)
        except ValueError as error:  # not an address
            await abort(context, BadRequest(str(error)))
        return proxy_pb2.TraceResponse(
            steps=[proxy_pb2.TraceStep(chain=each.chain, rule=each.line.text) for each in found.steps],
            endpoints=found.endpoints,
            rejected=found.rejected,
            masqueraded=found.masqueraded,
            dropped=found.dropped,
        )
