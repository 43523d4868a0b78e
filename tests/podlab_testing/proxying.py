"""A Service in a network namespace of a test's own: real rules, real sockets, all on the loopback."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from node.iptables import Iptables
from node.nftables import Nft
from node.proxy import conntrack
from node.proxy.backend import Backend
from node.proxy.exposures import Exposures
from node.proxy.generation import OwnGeneration
from node.proxy.iptables.writer import IptablesBackend
from node.proxy.nftables.layout import TABLE
from node.proxy.nftables.writer import NftablesBackend
from node.proxy.node import ProxyNode
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab_testing.services import exposures

NODE = ProxyNode("n1", "")
CLUSTER_IP, PORT, TARGET_PORT = "127.0.0.200", 5353, 9000
BACKENDS = ("nft", "legacy", "nftables")
PATIENCE_S = 2.0


def backend_of(name: str, node: ProxyNode = NODE) -> Backend:
    """`nft` or `legacy` of iptables, or `nftables`."""
    nft = Nft()
    if name == "nftables":
        return NftablesBackend(node, nft, OwnGeneration(nft, (TABLE,), node.family))
    return IptablesBackend(node, Iptables(name, node.family), nft)


@dataclass
class Proxied:
    """One Service, of which endpoints come and go."""

    backend: Backend
    protocol: str = "TCP"
    spec: ServiceSpec = field(default_factory=ServiceSpec)
    exposures: Exposures = field(default_factory=Exposures)
    node: ProxyNode = NODE

    async def lead_to(self, *endpoints: str) -> int:
        """Returns the number of flows that ended."""
        spec = ServiceSpec(clusterIP=CLUSTER_IP)
        spec.ports.append(ServicePort(name="a", protocol=self.protocol, port=PORT))
        spec.MergeFrom(self.spec)
        service = Service(metadata=ObjectMeta(name="web", namespace="default"), spec=spec)
        found = EndpointSlice(
            metadata=ObjectMeta(name="web-a", namespace="default", labels={SERVICE_NAME_LABEL: "web"}),
            addressType=self.node.family.name,
            ports=[EndpointPort(name="a", protocol=self.protocol, port=TARGET_PORT)],
            endpoints=[Endpoint(addresses=[endpoint]) for endpoint in endpoints],
        )
        delta = self.exposures.change(exposures([service], [found], self.node))
        await self.backend.write(delta)
        return await conntrack.end_stale(conntrack.unsettled(delta), ("127.0.0.1", "::1"), self.node.family)


def run(*command: str, stdin: str = "") -> str:
    """What the command prints."""
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout


@contextmanager
def listening(*addresses: str, port: int = TARGET_PORT) -> Iterator[None]:
    """Takes every connection there, says which address it is, and hangs up."""
    with ExitStack() as servers:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, port), family=family, backlog=128)
            server = servers.enter_context(closing(listener))
            taking = threading.Thread(target=_take, args=(server, address))
            taking.start()
            servers.callback(taking.join)
            servers.callback(server.shutdown, socket.SHUT_RDWR)
        yield


def _take(server: socket.socket, address: str) -> None:
    while True:
        try:
            with server.accept()[0] as client:
                client.send(address.encode())
        except OSError:  # shut down
            return


def answers(address: str = CLUSTER_IP, port: int = PORT) -> bool:
    """Whether something takes a connection there."""
    try:
        socket.create_connection((address, port), PATIENCE_S).close()
    except ConnectionRefusedError:
        return False
    return True
