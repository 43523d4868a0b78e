"""Which relayed call goes where, and what its caller must be allowed to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.message import DecodeError, Message

from master.apiserver.authorization import Attributes
from master.apiserver.egress.kubelet import nodes
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.rpc import leaders
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab import ports
from podlab.api import kinds
from podlab.core.v1 import pod_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import dns_pb2, images_pb2, kubelet_pb2, proxy_pb2, scheduler_pb2

KUBELET, PROXY, SCHEDULER = "podlab.v1.Kubelet", "podlab.v1.Proxy", "podlab.v1.Scheduler"
DNS, IMAGES = "podlab.v1.Dns", "podlab.v1.Images"
# What else of a node answers, and at which port.
_AGENTS = {PROXY: ("proxy", ports.PROXY), DNS: ("DNS agent", ports.DNS)}


@dataclass(frozen=True, slots=True)
class PodOrNode:
    """The pod or the node that a call is about."""

    namespace: str = ""
    pod: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One relayed method."""

    component: str
    request: type[Message]
    about: Callable[[Any], PodOrNode]
    verb: str
    subresource: str

    def parse(self, first: bytes) -> PodOrNode:
        """What the first request is about. Raises BadRequest when it does not say so."""
        try:
            asked = self.about(self.request.FromString(first))
        except DecodeError as error:
            raise BadRequest(f"the request is not a {self.request.DESCRIPTOR.full_name}") from error
        if asked.node or (asked.pod and asked.namespace):
            return asked
        raise BadRequest(f"the first {self.request.DESCRIPTOR.name} must name the pod and its namespace, or the node")

    def attributes(self, asked: PodOrNode) -> Attributes:
        """What authorization is asked."""
        if asked.node:
            return Attributes(self.verb, "", "nodes", "", asked.node, self.subresource)
        return Attributes(self.verb, "", "pods", asked.namespace, asked.pod, self.subresource)


class _NamesPod(Protocol):
    namespace: str
    pod: str


class _NamesNode(Protocol):
    node_name: str


def _probe_of(request: kubelet_pb2.ProbeRequest) -> PodOrNode:
    return PodOrNode(request.start.namespace, request.start.pod, request.start.node_name)


_Start = kubelet_pb2.ExecRequest | kubelet_pb2.AttachRequest | kubelet_pb2.PortForwardRequest


def _pod_of(request: _NamesPod) -> PodOrNode:
    return PodOrNode(request.namespace, request.pod)


def _start_of(request: _Start) -> PodOrNode:
    return _pod_of(request.start)


def _named_pod_of(request: scheduler_pb2.ExplainRequest | meta_pb2.ObjectMeta) -> PodOrNode:
    return PodOrNode(request.namespace, request.name)


def _given_pod_of(request: scheduler_pb2.ForeseeRequest) -> PodOrNode:
    return _named_pod_of(request.pod.metadata)


def _node_of(request: _NamesNode) -> PodOrNode:
    return PodOrNode(node=request.node_name)


ROUTES: Mapping[str, Mapping[str, Route]] = {
    KUBELET: {
        "Logs": Route(KUBELET, kubelet_pb2.LogsRequest, _pod_of, "get", "log"),
        "Exec": Route(KUBELET, kubelet_pb2.ExecRequest, _start_of, "create", "exec"),
        "Attach": Route(KUBELET, kubelet_pb2.AttachRequest, _start_of, "create", "attach"),
        "PortForward": Route(KUBELET, kubelet_pb2.PortForwardRequest, _start_of, "create", "portforward"),
        "Stats": Route(KUBELET, kubelet_pb2.StatsRequest, _node_of, "get", "stats"),
        "Read": Route(KUBELET, kubelet_pb2.ReadRequest, _node_of, "get", "proxy"),
        "Probe": Route(KUBELET, kubelet_pb2.ProbeRequest, _probe_of, "create", "trace"),
    },
    IMAGES: {
        "ListImages": Route(KUBELET, images_pb2.ListImagesRequest, _node_of, "get", "images"),
        "MissingBlobs": Route(KUBELET, images_pb2.MissingBlobsRequest, _node_of, "create", "images"),
        "ImportImage": Route(KUBELET, images_pb2.ImportImageRequest, _node_of, "create", "images"),
        "ExportImage": Route(KUBELET, images_pb2.ExportImageRequest, _node_of, "get", "images"),
        "PullImage": Route(KUBELET, images_pb2.PullImageRequest, _node_of, "create", "images"),
        "PushImage": Route(KUBELET, images_pb2.PushImageRequest, _node_of, "create", "images"),
        "TagImage": Route(KUBELET, images_pb2.TagImageRequest, _node_of, "create", "images"),
        "RemoveImage": Route(KUBELET, images_pb2.RemoveImageRequest, _node_of, "delete", "images"),
        "PruneImages": Route(KUBELET, images_pb2.PruneImagesRequest, _node_of, "delete", "images"),
        "ExportContainer": Route(KUBELET, images_pb2.ExportContainerRequest, _pod_of, "get", "export"),
    },
    DNS: {"TraceName": Route(DNS, dns_pb2.TraceNameRequest, _pod_of, "get", "trace")},
    PROXY: {"Trace": Route(PROXY, proxy_pb2.TraceRequest, _node_of, "get", "trace")},
    SCHEDULER: {
        "Explain": Route(SCHEDULER, scheduler_pb2.ExplainRequest, _named_pod_of, "get", ""),
        "Foresee": Route(SCHEDULER, scheduler_pb2.ForeseeRequest, _given_pod_of, "create", ""),
    },
}


def resolve(route: Route, asked: PodOrNode, cache: Cache, scheduler: str) -> Target:
    """Where the call goes. Raises NotFound, BadRequest for a pod on no node, ServiceUnavailable without an address."""
    if route.component == SCHEDULER:
        return leaders.scheduler(cache, scheduler)
    name = asked.node or _node_of_pod(asked, cache)
    if route.component in _AGENTS:
        what, port = _AGENTS[route.component]
        return Target(f'the {what} of node "{name}"', f"{nodes.address(cache, name)}:{port}", name)
    return nodes.kubelet(cache, name)


def _node_of_pod(asked: PodOrNode, cache: Cache) -> str:
    kind = kinds.of(Pod)
    entry = cache.get(kind, keys.object_key(kind, asked.namespace, asked.pod))
    if entry is None:
        raise NotFound.of("pods", asked.pod)
    node = entry.message_as(pod_pb2.Pod).spec.nodeName
    if not node:
        raise BadRequest(f'pod "{asked.pod}" is on no node yet; `podlab why pod {asked.pod}` says why')
    return node
