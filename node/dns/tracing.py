"""The Dns gRPC service: looks a name up as a pod would, and says where each answer comes from."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import grpc

from node import resolvconf
from node.dns import lookup, message
from node.dns.agent import DnsAgent
from node.dns.record import TYPES, BadName
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.errors import BadRequest, abort
from podlab.v1 import dns_pb2, dns_pb2_grpc

TIMEOUT_S = 12.0
"""Longer than the DNS server waits for others."""
PORT = 53
EDNS_BYTES = 1232


class DnsServicer(dns_pb2_grpc.DnsServicer):
    """Serves `podlab.v1.Dns`. Asks real servers; the objects come from what the agent knows."""

    def __init__(self, agent: DnsAgent, *, port: int = PORT) -> None:
        self._agent = agent
        self._port = port

    async def TraceName(  # noqa: N802 - gRPC's name
        self, request: dns_pb2.TraceNameRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> dns_pb2.TraceNameResponse:
        try:
            return await self.trace(request)
        except BadRequest as error:
            await abort(context, error)

    async def trace(self, request: dns_pb2.TraceNameRequest) -> dns_pb2.TraceNameResponse:
        """All questions until there is an answer. Raises BadRequest for what nobody can ask."""
        kind = request.type.upper() or "A"
        if kind not in TYPES:
            raise BadRequest(f'type: Unsupported value: "{request.type}": use {", ".join(TYPES)}')
        conf = self._resolv_conf(request)
        if not conf.servers:
            raise BadRequest(f'pod "{request.pod}" has no name server: see its dnsPolicy')
        response = dns_pb2.TraceNameResponse(server=conf.servers[0], searches=conf.searches, options=conf.options)
        for name in lookup.candidates(request.name, conf.searches, conf.options):
            step = await self._step(conf.servers[0], name, kind)
            response.steps.append(step)
            if step.answers:
                response.found = True
                break
        return response

    def _resolv_conf(self, request: dns_pb2.TraceNameRequest) -> resolvconf.ResolvConf:
        spec = PodSpec(dnsPolicy=request.dns_policy, hostNetwork=request.host_network, dnsConfig=request.dns_config)
        cluster = self._agent.node.cluster
        known = resolvconf.ClusterDns(cluster.dns_address, cluster.domain)
        return resolvconf.of_pod(spec, request.namespace, resolvconf.of_node(), known).conf

    async def _step(self, server: str, name: str, kind: str) -> dns_pb2.NameStep:
        step = dns_pb2.NameStep(question=name)
        try:
            query = message.question(secrets.randbelow(1 << 16), name, kind, edns=EDNS_BYTES)
            reply = message.read(await _ask(server, self._port, query))
        except (BadName, ValueError, OSError, TimeoutError) as error:
            step.outcome = str(error) or f"no reply within {TIMEOUT_S:.0f} s"
            return step
        empty = reply.rcode == message.NOERROR and not reply.answers
        step.outcome = "NODATA" if empty else message.RCODES.get(reply.rcode, f"RCODE {reply.rcode}")
        found = reply.sections[message.ANSWER]
        step.answers.extend(f"{each.name} {each.record.type} {each.record.data}" for each in found)
        if server == self._agent.node.cluster.dns_address:
            names = dict.fromkeys((name.lower(), *(each.name.lower() for each in found)))
            step.origins.extend(dict.fromkeys(origin for each in names for origin in self._origins(each)))
        return step

    def _origins(self, name: str) -> Iterator[str]:
        known = self._agent.names.zone.origins(name)
        yield from known
        if not known and (asked := self._agent.asked_about(name)):
            yield asked


async def _ask(server: str, port: int, query: bytes) -> bytes:
    """The reply, by UDP. Raises OSError, TimeoutError."""
    replied: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Asking(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, address: object) -> None:
            if data[:2] == query[:2] and not replied.done():
                replied.set_result(data)

        def error_received(self, error: Exception) -> None:
            if not replied.done():
                replied.set_exception(error)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Asking, remote_addr=(server, port))
    try:
        transport.sendto(query)
        async with asyncio.timeout(TIMEOUT_S):
            return await replied
    finally:
        transport.close()
