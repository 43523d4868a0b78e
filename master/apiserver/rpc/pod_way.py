"""Who has to do with a pod on its way from creation until it is reached, and by which keys they remember it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.egress.kubelet import nodes
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.rpc import leaders
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab import ports
from podlab.api import kinds
from podlab.api.objects import condition, controller_of, metadata, owner_kind
from podlab.api.selection.labels import MIRROR_ANNOTATION, SERVICE_NAME_LABEL
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ApiError, NotFound
from podlab.spans.keys import endpoint
from podlab.v1.timeline_pb2 import TimelineOwner

MOST_NODES = 100
"""So many nodes' proxies and DNS agents are asked; the API server keeps a connection to each that it has asked."""
MOST_OWNERS = 4
"""A CronJob's Job is the longest chain of built-in kinds; owners of custom kinds may be in a circle."""
_STATIC_UID = re.compile(r"[0-9a-f]{32}")
_POD, _NODE, _SLICE, _SERVICE = kinds.of(Pod), kinds.of(Node), kinds.of(EndpointSlice), kinds.of(Service)


@dataclass(frozen=True, slots=True)
class Asked:
    """A component that is asked. `error` says why it cannot be, and then there is no target."""

    component: str
    node: str = ""
    target: Target | None = None
    error: str = ""


def found(cache: Cache, namespace: str, name: str) -> Pod:
    """The pod. Raises NotFound."""
    entry = cache.get(_POD, keys.object_key(_POD, namespace, name))
    if entry is None:
        raise NotFound.of("pods", name)
    return entry.message_as(Pod)


def static_uid(pod: Pod) -> str:
    """By which the kubelet remembers a pod that a file of its node describes; empty of others.

    Those of pods that the API makes have another form: nobody is told of one by calling his own pod its mirror."""
    told = pod.metadata.annotations.get(MIRROR_ANNOTATION, "")
    return told if _STATIC_UID.fullmatch(told) else ""


def owners(cache: Cache, made: Message) -> Iterator[TimelineOwner]:
    """What made the pod, the nearest first."""
    namespace = metadata(made).namespace
    for _ in range(MOST_OWNERS):
        controller = controller_of(metadata(made))
        if controller is None:
            return
        yield TimelineOwner(uid=controller.uid, kind=controller.kind, name=controller.name)
        at = owner_kind(controller)
        kind = cache.catalog.get(at.group, at.kind)
        entry = (
            cache.get(kind, keys.object_key(kind, namespace, controller.name))
            if kind is not None and kind.namespaced
            else None
        )
        if entry is None:
            return
        made = entry.message()


def later_services(cache: Cache, pod: Pod) -> frozenset[str]:
    """The Services of the pod's namespace that were made when it was ready already: it has not waited for them."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is None or ready.status != "True":
        return frozenset()
    prefix, since = keys.scope_prefix(_SERVICE, pod.metadata.namespace), ready.lastTransitionTime.seconds
    return frozenset(
        at.removeprefix(prefix)
        for at, entry in cache.window(_SERVICE).entries.items()
        if at.startswith(prefix) and metadata(entry.message()).creationTimestamp.seconds > since
    )


def endpoints(cache: Cache, pod: Pod, later: frozenset[str]) -> list[str]:
    """namespace/service:address, as proxies and DNS agents remember the pod in each of its Services but the later."""
    prefix, uid = keys.scope_prefix(_SLICE, pod.metadata.namespace), pod.metadata.uid
    made: dict[str, None] = {}
    for at, entry in cache.window(_SLICE).entries.items():
        if not at.startswith(prefix):
            continue
        one = entry.message_as(EndpointSlice)
        service = one.metadata.labels.get(SERVICE_NAME_LABEL, "")
        for each in one.endpoints:
            if service and service not in later and each.targetRef.uid == uid:
                made[endpoint(pod.metadata.namespace, service, "")] = None
                made.update((endpoint(pod.metadata.namespace, service, address), None) for address in each.addresses)
    return list(made)


def asked(cache: Cache, pod: Pod, scheduler: str, controllers: str) -> list[Asked]:
    """All components that may remember something of the pod, the API server itself left out."""
    made = [
        Asked("scheduler", target=leaders.scheduler(cache, scheduler)),
        Asked("controllers", target=leaders.controllers(cache, controllers)),
    ]
    if pod.spec.nodeName:
        made.append(_on_node(cache, "kubelet", pod.spec.nodeName))
    for name in _nodes(cache, pod.spec.nodeName):
        made += [_on_node(cache, component, name) for component in ("proxy", "dns")]
    return made


def _nodes(cache: Cache, first: str) -> list[str]:
    """The pod's own first."""
    prefix = keys.kind_prefix(_NODE)
    names = sorted(at.removeprefix(prefix) for at in cache.window(_NODE).entries)
    return sorted(names, key=lambda name: name != first)[:MOST_NODES]


def _on_node(cache: Cache, component: str, node: str) -> Asked:
    try:
        if component == "kubelet":
            return Asked(component, node, nodes.kubelet(cache, node))
        port = ports.PROXY if component == "proxy" else ports.DNS
        target = Target(f'the {component} of node "{node}"', f"{nodes.address(cache, node)}:{port}", node)
    except ApiError as error:
        return Asked(component, node, error=error.message)
    return Asked(component, node, target)
