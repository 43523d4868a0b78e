"""Servers of this process that stand for pods, behind Services, reached through a kubelet that the test plays.

The kubelet connects as the real one does, on loopback: a pod's port is a port of this host.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from aiohttp import web
from grpc_health.v1 import health, health_pb2_grpc

from node.kubelet.server.port_forward import forward
from podlab import pki
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ApiError, NotFound, abort
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc
from podlab_testing.cluster import Cluster

NODE, LOOPBACK = "n1", "127.0.0.1"
POD_ADDRESS = "10.255.0.1"
"""What pods say of themselves; nobody connects to it."""
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class ForwardingKubelet(kubelet_pb2_grpc.KubeletServicer):
    """Connects to ports of loopback. Pods that are `gone` are none of its own."""

    connected: Counter[str] = field(default_factory=Counter)
    """How often each pod was connected to."""
    open: Counter[str] = field(default_factory=Counter)
    """How many connections to each pod there are now."""
    gone: set[str] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection ends."""

    async def PortForward(self, requests: Any, context: Any) -> AsyncIterator[pb.PortForwardResponse]:  # noqa: N802
        start = (await anext(requests)).start
        address = LOOPBACK if start.to_pod_address else ""
        self.open[start.pod] += 1
        try:
            if start.pod in self.gone:
                raise NotFound.of("pods", start.pod)
            async for response in forward(None, start.port, requests, pod_address=address):
                self.connected[start.pod] += response.connected
                yield response
        except ApiError as error:
            await abort(context, error)
        finally:
            self.open[start.pod] -= 1
            self.closed.set()

    async def Read(self, request: pb.ReadRequest, context: Any) -> AsyncIterator[pb.ReadResponse]:  # noqa: N802
        if not request.path.startswith(("/stats/", "/metrics")):
            await abort(context, NotFound(f"the kubelet of {request.node_name} does not serve {request.path}"))
        for part in (b"the kubelet's ", request.path.encode()):
            yield pb.ReadResponse(content_type="text/x-of-the-kubelet", body=part)


@dataclass
class PodServers:
    """Node n1, its kubelet, and what listens there. `close` ends all of it."""

    cluster: Cluster
    admin: Client
    kubelet: ForwardingKubelet = field(default_factory=ForwardingKubelet)
    port: int = 0
    """The kubelet's."""
    _server: grpc.aio.Server | None = None
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """The kubelet, and the Node that says where it is."""
        self.port = await self._serve()
        self._open.push_async_callback(self.stop_kubelet)
        node = Node(metadata=ObjectMeta(name=NODE))
        node.status.addresses.add(type="InternalIP", address=LOOPBACK)
        node.status.daemonEndpoints.kubeletEndpoint.Port = self.port
        await self.admin.create(node)

    async def stop_kubelet(self) -> None:
        """Cut all that it carries."""
        if self._server is not None:
            await self._server.stop(0)
        self._server = None

    async def restart_kubelet(self) -> None:
        """It is away for a moment, and back on its port."""
        await self.stop_kubelet()
        assert await self._serve() == self.port

    async def _serve(self) -> int:
        server, tls = grpc.aio.server(), self.cluster.authority.tls(f"system:node:{NODE}")
        kubelet_pb2_grpc.add_KubeletServicer_to_server(self.kubelet, server)
        checks = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        port = server.add_secure_port(f"{LOOPBACK}:{self.port}", tls.server_credentials())
        await server.start()
        self._server = server
        return port

    async def close(self) -> None:
        await self._open.aclose()

    async def listen(self, handler: Handler, tls: ssl.SSLContext | None = None) -> int:
        """The port of loopback on which an HTTP server answers."""
        runner = web.ServerRunner(web.Server(handler, handler_cancellation=True), shutdown_timeout=0)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, LOOPBACK, 0, ssl_context=tls)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    async def listen_raw(
        self,
        take: RawHandler,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """The same, of a server that speaks what it likes."""
        server = await asyncio.start_server(take, LOOPBACK, 0, ssl=tls)
        self._open.callback(server.close)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def pod(self, name: str, namespace: str = "default", *, running: bool = True, **ports: int) -> None:
        """A pod of the node, with ports of these names."""
        pod = Pod(metadata=ObjectMeta(name=name, namespace=namespace))
        pod.spec.nodeName = NODE
        container = pod.spec.containers.add(name="c", image="podlab.local/hello:1.0")
        for port_name, port in ports.items():
            container.ports.add(name=port_name, containerPort=port)
        made = await self.admin.create(pod)
        if not running:
            return
        made.status.phase, made.status.podIP = "Running", POD_ADDRESS
        made.status.podIPs.add(ip=POD_ADDRESS)
        await self.admin.update_status(made)

    async def service(self, name: str, port: int = 443, *, port_name: str = "", namespace: str = "default") -> None:
        """A Service without selector, which has no endpoints yet."""
        service = Service(metadata=ObjectMeta(name=name, namespace=namespace))
        service.spec.ports.add(name=port_name, port=port)
        await self.admin.create(service)

    async def endpoint(
        self,
        service: str,
        port: int,
        pod: str,
        *,
        port_name: str = "",
        ready: bool = True,
        namespace: str = "default",
    ) -> None:
        """A pod that answers for a Service."""
        made = EndpointSlice(metadata=ObjectMeta(generateName=f"{service}-", namespace=namespace), addressType="IPv4")
        made.metadata.labels["kubernetes.io/service-name"] = service
        made.ports.add(name=port_name, port=port, protocol="TCP")
        endpoint = made.endpoints.add(addresses=[POD_ADDRESS])
        endpoint.conditions.ready = ready
        endpoint.targetRef.kind, endpoint.targetRef.namespace, endpoint.targetRef.name = "Pod", namespace, pod
        await self.admin.create(made)

    async def serve(self, service: str, handler: Handler, *, tls: ssl.SSLContext | None = None, port: int = 443) -> int:
        """A Service with one pod of the same name, whose server answers. The pod's port."""
        listening = await self.listen(handler, tls)
        await self.pod(service)
        await self.service(service, port)
        await self.endpoint(service, listening, service)
        return listening


@dataclass(frozen=True)
class ServerAuthority:
    """An authority that only its servers' clients know."""

    directory: Path

    @property
    def bundle(self) -> bytes:
        """Its certificate, PEM."""
        pki.ensure_ca(self.directory)
        return (self.directory / "ca.crt").read_bytes()

    def server(self, *hosts: str) -> ssl.SSLContext:
        """What a server of these names listens with; it takes clients of the same authority alone, if they show one."""
        name = hosts[0]
        pki.ensure_certificate(pki.ensure_ca(self.directory), self.directory, name, name, [], hosts)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        made.load_verify_locations(self.directory / "ca.crt")
        made.verify_mode = ssl.CERT_OPTIONAL
        return made

    def client(self, user: str) -> tuple[Path, Path]:
        """Certificate and key of a client."""
        pki.ensure_certificate(pki.ensure_ca(self.directory), self.directory, user, user, [], ["localhost"])
        return self.directory / f"{user}.crt", self.directory / f"{user}.key"


async def echo(request: web.BaseRequest) -> web.Response:
    """What was asked, as JSON."""
    tls = request.get_extra_info("ssl_object")
    subject = dict(part[0] for part in (tls.getpeercert() or {}).get("subject", ())) if tls is not None else {}
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = {
        "method": request.method,
        "path": request.raw_path,
        "headers": headers,
        "body": (await request.read()).decode(),
        "client": subject.get("commonName", ""),
    }
    return web.json_response(told)
