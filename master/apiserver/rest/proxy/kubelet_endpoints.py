"""What a kubelet answers to HTTP in Kubernetes. Ours is asked over gRPC for the same, and the API server passes it on.

It is what metrics agents and people ask for; the rest is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web

from master.apiserver.egress.kubelet import nodes
from master.apiserver.rest.content import responses
from master.apiserver.rpc.relay import Relay
from master.apiserver.watchcache.cache import Cache
from podlab.errors import MethodNotAllowed


@dataclass(frozen=True)
class KubeletEndpoints:
    """Answers for the kubelets of all nodes."""

    relay: Relay
    cache: Cache

    async def answer(self, request: web.BaseRequest, node: str, path: str) -> web.StreamResponse:
        """Raises NotFound for a path that the kubelet does not answer, MethodNotAllowed, and what the kubelet says."""
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise MethodNotAllowed(f'the kubelet of node "{node}" serves {path} for GET alone, not {request.method}')
        if path.strip("/") == "healthz":
            await self.relay.check(nodes.kubelet(self.cache, node))
            return responses.text("ok")
        kind, body = await self.relay.read(node, path)
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: kind})
