"""pods/proxy, services/proxy and nodes/proxy: requests that a pod, a Service or a node answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from google.protobuf.message import Message

from master.apiserver.egress import connector
from master.apiserver.egress.client import EgressClient
from master.apiserver.egress.destinations import Destination, Trust
from master.apiserver.egress.endpoints import Unserved
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.proxy import destinations, forwarding, headers, names, pages
from master.apiserver.rest.proxy.forwarding import Forward
from master.apiserver.rest.proxy.kubelet_endpoints import KubeletEndpoints
from master.apiserver.rest.proxy.links import Links
from master.apiserver.rest.proxy.names import Named
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.core.v1.connecting_pb2 import NodeProxyOptions, PodProxyOptions, ServiceProxyOptions
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.errors import BadRequest

_POD = kinds.of(Pod)
_OPTIONS: Mapping[type[Message], type[PodProxyOptions | ServiceProxyOptions | NodeProxyOptions]] = {
    Pod: PodProxyOptions,
    Service: ServiceProxyOptions,
    Node: NodeProxyOptions,
}
# Servers in pods are not known by their addresses, so that nobody could tell whose certificate it would have to be.
UNVERIFIED = Trust(insecure=True)


@dataclass(frozen=True, slots=True)
class Proxy:
    """Answers every method below `proxy`."""

    registry: Registry
    egress: EgressClient
    kubelets: KubeletEndpoints
    cache: Cache

    async def answer(self, call: Call) -> web.StreamResponse:
        """What the server answers. Raises BadRequest for a name of another form, NotFound, ServiceUnavailable."""
        named = names.split(call.place.kind.name.lower(), call.place.name)
        await self.registry.connect(call.connecting(_OPTIONS[call.of.message](path=call.place.path)))
        to = await self._destination(call, named)
        upgrade = headers.upgrade_of(call.request.headers)
        if not call.place.path and not upgrade and call.request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
            return _with_slash(call.request)
        if to is None:
            if upgrade:
                raise BadRequest(f'the kubelet of node "{named.name}" upgrades no connections to {upgrade}')
            return await self.kubelets.answer(call.request, named.name, call.place.path)
        try:
            return await forwarding.forwarded(call.request, self.egress, self._forward(call, named, to))
        except Unserved as error:
            raise Unserved.of(error.what, call.place.name) from error  # as it was asked for

    async def _destination(self, call: Call, named: Named) -> Destination | None:
        """Where it goes; None is a node's kubelet."""
        place = call.place
        entry = await self.registry.get(call.of, place.namespace, named.name, call.moment)
        if call.of is _POD:
            return destinations.of_pod(entry.message_as(Pod), named)
        if call.of is kinds.of(Node):
            return destinations.of_node(entry.message_as(Node), named)
        return destinations.of_service(place.namespace, named)

    def _forward(self, call: Call, named: Named, to: Destination) -> Forward:
        request, below = call.request, call.place.path
        prefix = request.path.removesuffix(below)
        _, mark, query = request.path_qs.partition("?")
        return Forward(
            to,
            f"{names.escaped(names.joined('', below))}{mark}{query}",
            named.scheme,
            UNVERIFIED,
            said={headers.FORWARDED_URI: names.escaped(names.joined(prefix, below))},
            changed=partial(pages.linked, links_of=partial(self._links, prefix, request.host)),
        )

    def _links(self, prefix: str, host: str, response: aiohttp.ClientResponse) -> Links:
        """The server may call itself by the address of its pod."""
        url = response.url
        pod = connector.pod_of(url)
        entry = self.cache.get(_POD, keys.object_key(_POD, pod.namespace, pod.pod)) if pod.namespace else None
        address = entry.message_as(Pod).status.podIP if entry is not None else url.host or ""
        address = f"[{address}]" if ":" in address else address
        known_as = {f"{address}:{url.port}", *([address] if url.is_default_port() else [])}
        return Links(prefix, frozenset(known_as), host)


def _with_slash(request: web.BaseRequest) -> web.Response:
    """Relative links of a page are meant from where the slash is."""
    _, mark, query = request.path_qs.partition("?")
    return web.Response(
        status=HTTPStatus.MOVED_PERMANENTLY, headers={hdrs.LOCATION: f"{names.escaped(request.path)}/{mark}{query}"}
    )
