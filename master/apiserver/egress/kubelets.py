"""Connections to ports of pods, each made by the kubelet of the pod's node."""

from __future__ import annotations

import asyncio

import grpc

from master.apiserver.egress.destinations import PodPort
from master.apiserver.egress.kubelet import nodes
from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.duplex import Duplex
from master.apiserver.egress.kubelet.pod_connection import PodConnection
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound, ServiceUnavailable
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardResponse, PortForwardStart

# A kubelet gives up on a pod that does not answer after 10 s, and says why.
CONNECT_LIMIT_S = 12.0
_PORT_FORWARD = "/podlab.v1.Kubelet/PortForward"
_POD = kinds.of(Pod)


class Kubelets:
    """Asks kubelets to connect. The API server asks in its own name: who asks for others has looked at their rights."""

    def __init__(self, cache: Cache, dialer: Dialer, *, limit_s: float = CONNECT_LIMIT_S) -> None:
        self._cache = cache
        self._dialer = dialer
        self._limit_s = limit_s

    async def connect(self, to: PodPort) -> PodConnection:
        """A connection that stands, which the caller has to cancel in the end.

        Raises NotFound without such a pod, and ServiceUnavailable, or what the kubelet says, when there is no
        connection.
        """
        target = self._kubelet_of(to)
        channel = await self._dialer.dial(target)
        streams: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_PORT_FORWARD)
        duplex = Duplex(streams(), target)
        try:
            async with asyncio.timeout(self._limit_s):
                start = PortForwardStart(namespace=to.namespace, pod=to.pod, port=to.port, to_pod_address=True)
                await duplex.write(PortForwardRequest(start=start).SerializeToString())
                message = await duplex.read()
        except TimeoutError as error:
            duplex.cancel()
            raise ServiceUnavailable(
                f"{target} has not connected to port {to.port} of pod {to.pod} within {self._limit_s:.0f} s"
            ) from error
        except BaseException:
            duplex.cancel()
            raise
        if message is None or not PortForwardResponse.FromString(message).connected:
            duplex.cancel()
            raise ServiceUnavailable(f"{target} has ended the connection to port {to.port} of pod {to.pod}")
        return PodConnection(duplex)

    def _kubelet_of(self, to: PodPort) -> Target:
        entry = self._cache.get(_POD, keys.object_key(_POD, to.namespace, to.pod))
        if entry is None:
            raise NotFound.of("pods", to.pod)
        node = entry.message_as(Pod).spec.nodeName
        if not node:
            raise ServiceUnavailable(f'pod "{to.pod}" is on no node yet')
        return nodes.kubelet(self._cache, node)
