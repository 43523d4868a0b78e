"""What a packet is asked about: who sends it, where to, and on which node that is looked at. Pure, but for look-ups."""

from dataclasses import dataclass, replace
from ipaddress import ip_address

from podlab.api.values.ipfamilies import family_of, of_family, with_port, without_port
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing
from podlab.cli.pods.pod_lookup import find_pod
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service, ServicePort
from podlab.errors import NotFound

DEFAULT_PORT = 80


@dataclass(frozen=True)
class End:
    """One end of a packet's way. `node` is empty for what is outside the cluster; `pod` is namespace/name."""

    addresses: tuple[str, ...]
    node: str = ""
    pod: str = ""

    def address(self, family: str) -> str:
        """Raises CommandError where it has none of the family."""
        found = of_family(self.addresses, family)
        if not found:
            raise CommandError(f"{self} has no {family} address")
        return found

    def __str__(self) -> str:
        return f"pod {self.pod}" if self.pod else f"node {self.node}" if self.node else self.addresses[0]


@dataclass(frozen=True)
class Question:
    """A packet, and the node on which it is looked at. `protocol` is TCP, UDP or SCTP."""

    sender: End
    source: str
    to: str
    destination: str
    port: int
    protocol: str
    node: str

    def __str__(self) -> str:
        place = with_port(self.destination, self.port)
        who = f"{self.sender} ({self.source})" if self.sender.node else self.source
        return f"{self.protocol} packet from {who} to {self.to} ({place}), on node {self.node}"


async def about_service(
    client: Client, service: Service, sender: End, port: str, node: str, family: str = ""
) -> Question:
    """`family` is IPv4, IPv6, or empty for the sender's or the Service's first. Raises NotFound, CommandError for
    Services that no rule is about.
    """
    name = f"{service.metadata.namespace}/{service.metadata.name}"
    if service.spec.type == "ExternalName":
        raise CommandError(f"Service {name} is another name for {service.spec.externalName}: try `podlab trace name`")
    if service.spec.clusterIP in ("", "None"):
        raise CommandError(f"Service {name} is headless: its name leads to its pods, try `podlab trace name` and `pod`")
    at = await _node(client, node or sender.node)
    chosen, through_node = _port(service, port)
    outside = not sender.node
    wanted = family or family_of(sender.addresses[0] if outside else service.spec.clusterIP)
    destination, number = _destination(service, chosen, at, wanted, outside=outside, through_node=through_node)
    if not destination:
        raise CommandError(f"Service {name} has no {wanted} address, but {', '.join(_own_addresses(service))}")
    named = f"Service {name}" + (f":{chosen.name}" if chosen.name else "")
    return Question(
        sender, sender.address(wanted), named, destination, number, chosen.protocol or "TCP", at.metadata.name
    )


async def about_pod(
    client: Client, sender: str, to: str, port: int, protocol: str, namespace: str, family: str = ""
) -> Question:
    """`family` as for Services. Raises NotFound, CommandError for a pod that has no address (of the family) yet."""
    from_ = await sender_of(client, sender, namespace, "")
    pod = await find_pod(client, to, namespace)
    end = _of_pod(pod)
    wanted = family or family_of(end.addresses[0] if from_.node else from_.addresses[0])
    first = next((each for container in pod.spec.containers for each in container.ports), None)
    number = port or (first.containerPort if first is not None else DEFAULT_PORT)
    node = from_.node or end.node
    return Question(from_, from_.address(wanted), str(end), end.address(wanted), number, protocol, node)


def onward(asked: Question, node: str, place: str, hidden: End | None) -> Question:
    """The same packet as it reaches another node: for the endpoint, and from the node that has hidden its sender."""
    address, port = without_port(place)
    source = hidden.address(family_of(address)) if hidden is not None else asked.source
    return replace(asked, source=source, destination=address, port=int(port), node=node)


async def sender_of(client: Client, word: str, namespace: str, node: str) -> End:
    """A pod, a node or an address; without a word the node itself. Raises NotFound, CommandError."""
    if _is_address(word):
        return End((word,))
    if "/" in word:
        return _of_pod(await find_pod(client, word, namespace))
    if not word:
        return _of_node(await _node(client, node))
    try:
        return _of_pod(await client.get(Pod, word, namespace))
    except NotFound:
        pass
    try:
        return _of_node(await client.get(Node, word))
    except NotFound as error:
        raise CommandError(
            f'--from {word}: there is no pod "{word}" in namespace {namespace}, and no node of that name; '
            "give one of these, or an address"
        ) from error


def _of_pod(pod: Pod) -> End:
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    addresses = tuple(each.ip for each in pod.status.podIPs) or ((pod.status.podIP,) if pod.status.podIP else ())
    if not addresses:
        raise CommandError(f"pod {name} has no address yet: `podlab describe pod {pod.metadata.name}` says why")
    return End(addresses, pod.spec.nodeName, name)


def _of_node(node: Node) -> End:
    addresses = tuple(each.address for each in node.status.addresses if each.type == "InternalIP")
    return End(addresses, node.metadata.name)


async def _node(client: Client, name: str) -> Node:
    """That of the name; without one the first."""
    if name:
        return await client.get(Node, name)
    nodes = sorted((await client.list(Node)).items, key=lambda each: each.metadata.name)
    if not nodes:
        raise CommandError("the cluster has no node: nothing can be traced")
    return nodes[0]


def _port(service: Service, wanted: str) -> tuple[ServicePort, bool]:
    """The port that is meant, and whether it is meant by its node port. Raises CommandError."""
    ports = list(service.spec.ports)
    if not wanted:
        if len(ports) > 1:
            printing.warn(f"Found {len(ports)} ports, using {ports[0].port}; --port takes another one")
        return ports[0], False
    for each in ports:
        if wanted in (each.name, str(each.port)):
            return each, False
    for each in ports:
        if each.nodePort and wanted == str(each.nodePort):
            return each, True
    known = ", ".join(f"{each.port}" + (f" ({each.name})" if each.name else "") for each in ports)
    raise CommandError(f"--port {wanted}: Service {service.metadata.name} has {known}, or the node port of one of them")


def _destination(
    service: Service, port: ServicePort, node: Node, family: str, *, outside: bool, through_node: bool
) -> tuple[str, int]:
    """Pods and nodes go to the Service's own address, others to one that is meant for them, if it has one. Empty where
    there is none of the family.
    """
    spec = service.spec
    of_node = of_family(_of_node(node).addresses, family)
    if through_node:
        return of_node, port.nodePort
    if outside:
        balancers = [each.ip for each in service.status.loadBalancer.ingress if each.ip]
        if found := of_family((*balancers, *spec.externalIPs), family):
            return found, port.port
        if port.nodePort:
            return of_node, port.nodePort
    return of_family(_own_addresses(service), family), port.port


def _own_addresses(service: Service) -> tuple[str, ...]:
    return tuple(service.spec.clusterIPs) or (service.spec.clusterIP,)


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
