"""What of a pod matters to policies: its labels, its address, its named ports. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podlab.api.pods.podphase import is_terminal
from podlab.api.values.ipfamilies import IPV4, of_family
from podlab.core.v1.pod_pb2 import Container, ContainerPort, Pod, PodSpec, PodStatus
from podlab.meta.v1.meta_pb2 import ObjectMeta

TCP = "tcp"


@dataclass(frozen=True)
class NamedPort:
    """A port of a pod that has a name. `protocol` is tcp, udp or sctp."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True)
class PolicyPod:
    """A pod at an address of its own: with two it is two of these.

    `age` is larger for one that was created later.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    address: str
    node: str
    ports: tuple[NamedPort, ...] = ()
    age: tuple[int, int, str] = (0, 0, "")


def policy_pod(pod: Pod, family: str = IPV4) -> PolicyPod | None:
    """At its address of that family. None for a pod that has none of its own: not yet, no more, or that of its node.

    A pod on its node's network is no pod to policies, as Kubernetes leaves open: its packets are the node's.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """
    address = of_family(_addresses(pod.status), family)
    if not address or pod.spec.hostNetwork or is_terminal(pod):
        return None
    meta = pod.metadata
    created = meta.creationTimestamp
    return PolicyPod(
        meta.namespace,
        meta.name,
        dict(meta.labels),
        address,
        pod.spec.nodeName,
        tuple(_named_ports(pod.spec)),
        (created.seconds, created.nanos, meta.uid),
    )


def trimmed(pod: Pod) -> Pod:
    """What `policy_pod` reads of it, in a message of its own."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    return Pod(
        metadata=ObjectMeta(
            name=meta.name,
            namespace=meta.namespace,
            uid=meta.uid,
            resourceVersion=meta.resourceVersion,
            labels=meta.labels,
            creationTimestamp=meta.creationTimestamp,
        ),
        spec=PodSpec(
            nodeName=spec.nodeName,
            hostNetwork=spec.hostNetwork,
            containers=[_with_named_ports(each) for each in _serving(spec)],
        ),
        status=PodStatus(phase=status.phase, podIP=status.podIP, podIPs=status.podIPs),
    )


def _addresses(status: PodStatus) -> Iterator[str]:
    yield from (each.ip for each in status.podIPs)
    yield status.podIP


def _named_ports(spec: PodSpec) -> Iterator[NamedPort]:
    for container in _serving(spec):
        for port in container.ports:
            if port.name:
                yield NamedPort(port.name, port.protocol.lower() or TCP, port.containerPort)


def _serving(spec: PodSpec) -> Iterator[Container]:
    """Those whose ports may answer: init containers only where they go on beside the others."""
    yield from (each for each in spec.initContainers if each.restartPolicy == "Always")
    yield from spec.containers


def _with_named_ports(container: Container) -> Container:
    ports = [
        ContainerPort(name=port.name, protocol=port.protocol, containerPort=port.containerPort)
        for port in container.ports
        if port.name
    ]
    return Container(ports=ports)
