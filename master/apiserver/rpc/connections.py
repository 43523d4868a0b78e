"""Calls that connect to pods, as admission sees them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from master.apiserver.admission.write import Write
from master.apiserver.request.info import Exchange
from master.apiserver.rpc import writes
from podlab.api import kinds
from podlab.core.v1.connecting_pb2 import PodAttachOptions, PodExecOptions, PodPortForwardOptions
from podlab.core.v1.pod_pb2 import Pod
from podlab.v1 import kubelet_pb2


def connection(method: str, first: bytes, by: Exchange) -> Write | None:
    """What a method of the kubelet's is, begun with this request; None for one that connects to nothing."""
    described = _CONNECTING.get(method)
    if described is None:
        return None
    subresource, of_request = described
    namespace, pod, options = of_request(first)
    return Write.connect(
        writes.context(by), kinds.of(Pod), options, namespace=namespace, name=pod, subresource=subresource
    )


def _executing(first: bytes) -> tuple[str, str, Message]:
    start = kubelet_pb2.ExecRequest.FromString(first).start
    options = PodExecOptions(
        stdin=start.stdin,
        stdout=True,
        stderr=not start.tty,
        tty=start.tty,
        container=start.container,
        command=start.command,
    )
    return start.namespace, start.pod, options


def _attaching(first: bytes) -> tuple[str, str, Message]:
    start = kubelet_pb2.AttachRequest.FromString(first).start
    options = PodAttachOptions(stdin=start.stdin, stdout=True, stderr=True, container=start.container)
    return start.namespace, start.pod, options


def _forwarding(first: bytes) -> tuple[str, str, Message]:
    start = kubelet_pb2.PortForwardRequest.FromString(first).start
    return start.namespace, start.pod, PodPortForwardOptions(ports=[start.port])


_CONNECTING: Mapping[str, tuple[str, Callable[[bytes], tuple[str, str, Message]]]] = {
    "Exec": ("exec", _executing),
    "Attach": ("attach", _attaching),
    "PortForward": ("portforward", _forwarding),
}
