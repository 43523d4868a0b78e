"""podlab-controllers: all control loops in one process, over one set of informers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from master.controllers.devices.devicetainteviction.controller import DeviceTaintEvictionController
from master.controllers.devices.resourceclaim.controller import ResourceClaimController
from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Controller
from master.controllers.garbagecollection.garbagecollector.controller import GarbageCollector
from master.controllers.garbagecollection.podgc import PodGcController
from master.controllers.garbagecollection.ttlafterfinished import TtlAfterFinishedController
from master.controllers.namespaces import defaultobjects
from master.controllers.namespaces.namespace import NamespaceController
from master.controllers.namespaces.resourcequota import ResourceQuotaController
from master.controllers.network.endpoints.controller import EndpointsController
from master.controllers.network.endpointslice.controller import EndpointSliceController
from master.controllers.network.endpointslicemirroring.controller import EndpointSliceMirroringController
from master.controllers.network.loadbalancer.controller import LoadBalancerController
from master.controllers.network.servicecidr import ServiceCIDRController
from master.controllers.nodes.nodeipam.controller import NodeIpamController
from master.controllers.nodes.nodelifecycle.controller import NodeLifecycleController
from master.controllers.nodes.tainteviction.controller import TaintEvictionController
from master.controllers.security.certificates.controller import CertificatesController
from master.controllers.security.certificates.signer import Signer
from master.controllers.security.clusterroleaggregation import ClusterRoleAggregationController
from master.controllers.security.serviceaccounttokens import ServiceAccountTokensController
from master.controllers.settings import ControllersSettings
from master.controllers.storage.attachdetach import AttachDetachController
from master.controllers.storage.ephemeralvolume import EphemeralVolumeController
from master.controllers.storage.persistentvolume.controller import PersistentVolumeController
from master.controllers.storage.provisioner.controller import LocalPathProvisioner
from master.controllers.storage.storageprotection import StorageProtectionController
from master.controllers.workloads.cronjob.controller import CronJobController
from master.controllers.workloads.daemonset.controller import DaemonSetController
from master.controllers.workloads.deployment.controller import DeploymentController
from master.controllers.workloads.disruption.controller import DisruptionController
from master.controllers.workloads.disruption.stalepods import StalePodDisruptionController
from master.controllers.workloads.horizontalpodautoscaler.controller import HorizontalPodAutoscalerController
from master.controllers.workloads.job.controller import JobController
from master.controllers.workloads.job.tracking import JobTrackingController
from master.controllers.workloads.replicaset.controller import ReplicaSetController
from master.controllers.workloads.statefulset.controller import StatefulSetController
from podlab import component
from podlab.api.pods.volumes import LOCAL_PATH
from podlab.api.values.addresspool import PoolError, parse_pool
from podlab.api.values.ipfamilies import Network, networks
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.leaderelection.candidacy import candidacy, tell
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.pki import PkiError
from podlab.renewed import Renewed
from podlab.spans import service
from podlab.spans.spans import Spans

MOST_NODE_BITS = 16
"""As Kubernetes: no more blocks than that."""

log = logging.getLogger(__name__)

LEASE = "kube-controller-manager"
CALLERS = frozenset({"system:apiserver"})


class EventRecorders:
    """One per controller, because an Event names who tells it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.all: list[EventRecorder] = []

    def of(self, component_name: str) -> EventRecorder:
        recorder = EventRecorder(self._client, component_name)
        self.all.append(recorder)
        return recorder


def controllers(
    settings: ControllersSettings, client: Client, informers: Informers, recorders: EventRecorders
) -> tuple[Controller, ...]:
    """All of them. Names of event sources are Kubernetes'."""
    return (
        *_of_nodes(settings, client, informers, recorders),
        *_of_workloads(client, informers, recorders),
        EndpointSliceController(client, informers),
        EndpointsController(client, informers),
        EndpointSliceMirroringController(client, informers),
        ServiceCIDRController(client, informers),
        LoadBalancerController(
            client,
            informers,
            recorders.of("service-controller"),
            pool=parse_pool(settings.load_balancer_pool),
        ),
        NamespaceController(client, informers),
        defaultobjects.default_service_accounts(client, informers),
        defaultobjects.root_ca_publisher(client, informers, settings.tls.ca),
        ResourceQuotaController(client, informers),
        GarbageCollector(client, informers, recorders.of("garbage-collector-controller")),
        PodGcController(client, informers),
        TtlAfterFinishedController(client, informers),
        PersistentVolumeController(client, informers, recorders.of("persistentvolume-controller")),
        LocalPathProvisioner(client, informers, recorders.of(LOCAL_PATH)),
        StorageProtectionController(client, informers),
        EphemeralVolumeController(client, informers, recorders.of("ephemeral_volume")),
        AttachDetachController(client, informers),
        ResourceClaimController(client, informers, recorders.of("resource_claim")),
        DeviceTaintEvictionController(client, informers, recorders.of("device-taint-eviction-controller")),
        ServiceAccountTokensController(client, informers, settings.tls.ca),
        ClusterRoleAggregationController(client, informers),
        CertificatesController(client, informers, signer(settings)),
    )


def _of_nodes(
    settings: ControllersSettings, client: Client, informers: Informers, recorders: EventRecorders
) -> tuple[Controller, ...]:
    return (
        NodeIpamController(
            client,
            informers,
            recorders.of("cidrAllocator"),
            blocks=node_blocks(settings),
        ),
        NodeLifecycleController(
            client,
            informers,
            recorders.of("node-controller"),
            grace_s=settings.node_monitor_grace_s,
            eviction=settings.eviction,
        ),
        TaintEvictionController(client, informers, recorders.of("taint-eviction-controller")),
    )


def _of_workloads(client: Client, informers: Informers, recorders: EventRecorders) -> tuple[Controller, ...]:
    return (
        DeploymentController(client, informers, recorders.of("deployment-controller")),
        ReplicaSetController(ReplicaSet, client, informers, recorders.of("replicaset-controller")),
        ReplicaSetController(ReplicationController, client, informers, recorders.of("replication-controller")),
        StatefulSetController(client, informers, recorders.of("statefulset-controller")),
        DaemonSetController(client, informers, recorders.of("daemonset-controller")),
        JobController(client, informers, recorders.of("job-controller")),
        JobTrackingController(client, informers),
        CronJobController(client, informers, recorders.of("cronjob-controller")),
        HorizontalPodAutoscalerController(client, informers, recorders.of("horizontal-pod-autoscaler")),
        DisruptionController(client, informers, recorders.of("controllermanager")),
        StalePodDisruptionController(client, informers),
    )


Make = Callable[[ControllersSettings, Client, Informers, EventRecorders], tuple[Controller, ...]]


async def work(
    settings: ControllersSettings,
    client: Client,
    synced: asyncio.Event,
    make: Make = controllers,
    spans: Spans | None = None,
) -> None:
    """Runs the controllers, by default all, until cancelled; sets `synced` once they know the cluster. `spans` remember
    what they do."""
    informers, recorders = Informers(client, spans=spans), EventRecorders(client)
    loops = make(settings, client, informers, recorders)
    async with asyncio.TaskGroup() as group:
        group.create_task(informers.run())
        await informers.synced()
        synced.set()
        log.info("the cluster is known; %s begin", ", ".join(one.name for one in loops))
        for recorder in recorders.all:
            group.create_task(recorder.run())
        for one in loops:
            group.create_task(one.run(), name=one.name)


async def _led(
    leading: asyncio.Event, settings: ControllersSettings, client: Client, synced: asyncio.Event, spans: Spans
) -> None:
    """As `work`, once it is our turn. Before, their queues would only grow by what comes and goes."""
    await leading.wait()
    await work(settings, client, synced, spans=spans)


def node_blocks(settings: ControllersSettings) -> dict[Network, int]:
    """The networks of pods, and how long the prefixes of nodes' blocks in each are. Raises ValueError."""
    masks = {4: settings.node_cidr_mask, 6: settings.node_cidr_mask_ipv6}
    return {network: masks[network.version] for network in networks(settings.pod_cidr)}


def signer(settings: ControllersSettings) -> Renewed[Signer] | None:
    """Who signs approved requests for certificates, if anybody here does. Raises PkiError, OSError."""
    if (said := settings.signing) is None:
        return None
    return Renewed(lambda: Signer(said), [said.cert, said.key])


def check(settings: ControllersSettings) -> None:
    """Raises RuntimeError naming the setting that cannot be used."""
    try:
        blocks = node_blocks(settings)
    except ValueError as error:
        raise RuntimeError(f"pod_cidr: {error}") from error
    for cluster, mask in blocks.items():
        setting = "node_cidr_mask" if cluster.version == 4 else "node_cidr_mask_ipv6"
        most = min(cluster.max_prefixlen - 2, cluster.prefixlen + MOST_NODE_BITS)
        if not cluster.prefixlen <= mask <= most:
            raise RuntimeError(
                f"{setting}: {mask} makes no networks for nodes out of pod_cidr {cluster}; "
                f"give a number from {cluster.prefixlen} to {most}"
            )
    try:
        parse_pool(settings.load_balancer_pool)
    except PoolError as error:
        raise RuntimeError(f"load_balancer_pool: {error}") from error
    try:
        signer(settings)
    except (PkiError, OSError) as error:
        raise RuntimeError(f"signing: {error}") from error


async def serve(settings: ControllersSettings, stop: asyncio.Event) -> None:
    """Works until `stop`, and answers health checks: serving once the cluster is known. Raises RuntimeError."""
    check(settings)
    address = f"{settings.bind_address}:{settings.port}"
    server, checks = component.grpc_server(settings.tls, address, (service.SERVICE,), allowed_users=CALLERS)
    synced, spans = asyncio.Event(), Spans()
    service.add_to(server, spans)
    async with component.client(settings.apiserver, settings.tls, "controllers") as client:
        with candidacy(client, LEASE, address, settings.lease_duration_s) as elector:
            loop = elector.run(_led(elector.leading, settings, client, synced, spans), tell(checks, elector))
            await component.serve_loop(server, checks, loop, synced, stop)


def main() -> None:
    component.run("controllers", ControllersSettings, serve)
