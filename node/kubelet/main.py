"""podlab-kubelet: runs the pods of one node, and the node's network with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from node.kubelet.admission.pod_admission import PodAdmission
from node.kubelet.cri.containerd import Containerd
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.images.image_manager import ImageManager
from node.kubelet.logs import log_rotation
from node.kubelet.nodestatus.node_lease import NodeLease
from node.kubelet.nodestatus.node_status import capacity, new_node
from node.kubelet.nodestatus.registration import NodeRegistration
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.server.kubelet_server import KubeletServicer
from node.kubelet.settings import KubeletSettings
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.config_objects import ConfigObjectManager
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.token_manager import TokenManager
from node.kubelet.volume.volume_manager import VolumeManager
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_workers import PodWorkers
from node.network.network import Network
from podlab import component
from podlab.api import quantity
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

APISERVER_USER = "system:apiserver"
CNI_DIRECTORY = Path("/etc/cni/podlab.d")


async def serve(settings: KubeletSettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set; pods outlive it."""
    settings.root_dir.mkdir(parents=True, exist_ok=True)
    server, checks = component.grpc_server(
        settings.tls,
        f"{settings.bind_address}:{settings.port}",
        [kubelet_pb2.DESCRIPTOR.services_by_name["Kubelet"].full_name],
        allowed_users=frozenset({APISERVER_USER}),
    )
    runtime = Containerd(settings.runtime_endpoint)
    try:
        async with Client(settings.apiserver, settings.tls, user_agent="podlab-kubelet") as client:
            selector = f"spec.nodeName={settings.node_name}"
            bound = Informer(client, pod_pb2.Pod, field_selector=selector)
            services = Informer(client, service_pb2.Service)
            itself = Informer(client, node_pb2.Node, field_selector=f"metadata.name={settings.node_name}")
            recorder = EventRecorder(client, "kubelet", settings.node_name)
            local_path = LocalPathManager(client, settings.node_name, settings.root_dir)
            admission = PodAdmission(
                client,
                new_node(settings),
                capacity(settings),
                node=lambda: itself.get(settings.node_name),
                pods=bound.list,
            )
            context = _context(settings, client, runtime, recorder, services, local_path, admission)
            pods = PodWorkers(context, bound)
            admission.on_preempt(pods.end)
            context.config_objects.on_change(pods.volume_contents_changed)
            context.tokens.on_change(pods.volume_contents_changed)
            servicer = KubeletServicer(pods, runtime, StatsProvider(runtime, settings.node_name))
            kubelet_pb2_grpc.add_KubeletServicer_to_server(servicer, server)
            network = Network(client, settings.node_name, settings.pod_cidr_cluster, CNI_DIRECTORY)

            registration = NodeRegistration(settings, client, recorder, runtime, network)

            async def loops() -> None:
                async with asyncio.TaskGroup() as group:
                    group.create_task(services.run())
                    group.create_task(itself.run())
                    group.create_task(recorder.run())
                    group.create_task(registration.run())
                    group.create_task(NodeLease(client, settings.node_name, settings.lease_duration_s).run())
                    group.create_task(network.run())
                    group.create_task(context.config_objects.run())
                    group.create_task(context.tokens.run())
                    group.create_task(log_rotation.run(runtime))
                    group.create_task(local_path.run())
                    # Containers get the Services' variables: their list comes before the first pod, and it never comes
                    # on a node that was removed, whose pods are ended all the same.
                    leaving = group.create_task(_leave(registration, pods))
                    known = group.create_task(services.synced.wait())
                    await asyncio.wait({leaving, known}, return_when=asyncio.FIRST_COMPLETED)
                    group.create_task(bound.run())
                    group.create_task(pods.run())

            await component.serve_loop(server, checks, loops(), bound.synced, stop)
    finally:
        await runtime.close()


async def _leave(registration: NodeRegistration, pods: PodWorkers) -> None:
    await registration.removed.wait()
    pods.node_removed()


def _context(
    settings: KubeletSettings,
    client: Client,
    runtime: Containerd,
    recorder: EventRecorder,
    services: Informer[service_pb2.Service],
    local_path: LocalPathManager,
    admission: PodAdmission,
) -> NodeContext:
    amounts, volumes = capacity(settings), VolumeManager(settings.root_dir)
    return NodeContext(
        node_name=settings.node_name,
        node_ip=settings.node_ip,
        memory_bytes=quantity.value(amounts["memory"]),
        allocatable=amounts,
        client=client,
        runtime=runtime,
        recorder=recorder,
        images=ImageManager(runtime),
        admission=admission,
        volumes=volumes,
        ephemeral_storage=EphemeralStorageMonitor(volumes, runtime),
        claims=ClaimReader(client, local_path),
        config_objects=ConfigObjectManager(client),
        tokens=TokenManager(client),
        services=services.list,
    )


def main() -> None:
    """The console script."""
    component.run("kubelet", KubeletSettings, serve)


if __name__ == "__main__":
    main()
