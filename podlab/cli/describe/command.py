"""`podlab describe`: reads the objects and what belongs to them, and prints them one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

import typer
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.objects import metadata
from podlab.api.pods import volumes
from podlab.api.selection import selectors
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli import discovery, failures, session
from podlab.cli.describe import (
    anything,
    batch,
    certificates,
    layout,
    network,
    node,
    pod,
    policy,
    rbac,
    records,
    scaling,
    service,
    sets,
    storage,
    workload,
)
from podlab.cli.describe.basics import Related
from podlab.cli.describe.layout import Fields
from podlab.cli.objects import printing, targets
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, AllNamespaces, Namespace, Resources, Selector
from podlab.client.client import Client, Listed
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.core.v1.service_pb2 import Service
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import NotFound

# Of kinds about which there is more to say than what their fields say. Any: each takes its own message type.
DESCRIBERS: dict[str, Callable[[Any, Related], Fields]] = {
    "Namespace": records.namespace,
    "Node": node.describe,
    "Pod": pod.describe,
    "Service": service.service,
    "ConfigMap": records.config_map,
    "Secret": records.secret,
    "Event": records.event,
    "Deployment": workload.deployment,
    "ReplicaSet": workload.replica_set,
    "EndpointSlice": service.endpoint_slice,
    "Lease": records.lease,
    "Role": rbac.role,
    "RoleBinding": rbac.role_binding,
    "ClusterRole": rbac.cluster_role,
    "ClusterRoleBinding": rbac.cluster_role_binding,
    "CertificateSigningRequest": certificates.request,
    "CustomResourceDefinition": records.definition,
    "ServiceAccount": policy.service_account,
    "ResourceQuota": policy.quota,
    "LimitRange": policy.limit_range,
    "PriorityClass": policy.priority_class,
    "PersistentVolume": storage.volume,
    "PersistentVolumeClaim": storage.claim,
    "StorageClass": storage.storage_class,
    "Endpoints": network.endpoints,
    "Ingress": network.ingress,
    "IngressClass": network.ingress_class,
    "NetworkPolicy": network.network_policy,
    "ReplicationController": sets.replication_controller,
    "DaemonSet": sets.daemon_set,
    "StatefulSet": sets.stateful_set,
    "ControllerRevision": sets.controller_revision,
    "Job": batch.job,
    "CronJob": batch.cron_job,
    "HorizontalPodAutoscaler": scaling.autoscaler,
    "PodDisruptionBudget": scaling.budget,
}


def describe(
    resources: Resources = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
) -> None:
    """Tell all about objects, with their events.

    \b
    podlab describe pod web-1
    podlab describe nodes
    """
    wanted = targets.parse(resources or (), discovery.served)
    if any(target.name for target in wanted) and (all_namespaces or selector):
        raise failures.CommandError("a name cannot be given together with --all-namespaces or a selector")
    inside = "" if all_namespaces else namespace
    if not session.run(lambda client: _describe_all(client, wanted, inside, selector)):
        raise typer.Exit(1)


async def _describe_all(client: Client, wanted: Sequence[Target], namespace: str, selector: str) -> bool:
    """False when something named is missing."""
    found: list[Message] = []
    missing: list[NotFound] = []
    for target in wanted:
        inside = namespace if target.kind.namespaced else ""
        try:
            if target.name:
                found.append(await client.get(target.kind, target.name, inside, version=target.version))
            else:
                listed: Listed[Message] = await client.list(
                    target.kind, inside, label_selector=selector, version=target.version
                )
                found += listed.items
        except NotFound as error:
            missing.append(error)
    texts = [text(obj, await _related(client, obj)) for obj in found]
    printing.write("\n\n".join(texts))
    for one in missing:
        printing.warn(failures.message(one))
    if not found and not missing:
        printing.warn(f"No resources found in {namespace} namespace." if namespace else "No resources found")
    return not missing


def text(obj: Message, related: Related) -> str:
    """The object in words."""
    describer = anything.describe if isinstance(obj, Custom) else DESCRIBERS.get(kinds.of(obj).name, anything.describe)
    return "\n".join(layout.render(describer(obj, related))) + "\n"


async def _related(client: Client, obj: Message) -> Related:
    """What is told together with the object, by its kind."""
    now, events = printing.now(), await _events(client, obj)
    if isinstance(obj, Node):
        fields = f"spec.nodeName={obj.metadata.name}"
        return Related(now, events, pods=(await client.list(Pod, field_selector=fields)).items)
    if isinstance(obj, Service):
        labels = f"{SERVICE_NAME_LABEL}={obj.metadata.name}"
        listed = await client.list(EndpointSlice, obj.metadata.namespace, label_selector=labels)
        return Related(now, events, slices=listed.items)
    if isinstance(obj, Deployment):
        owned = str(selectors.from_message(obj.spec.selector))
        sets = await client.list(ReplicaSet, obj.metadata.namespace, label_selector=owned)
        return Related(now, events, replica_sets=sets.items)
    if isinstance(obj, ReplicationController | ReplicaSet | DaemonSet | StatefulSet):
        owned = str(selectors.of_pods(obj.spec.selector))
        return Related(now, events, pods=(await client.list(Pod, obj.metadata.namespace, label_selector=owned)).items)
    if isinstance(obj, PersistentVolumeClaim):
        pods = (await client.list(Pod, obj.metadata.namespace)).items
        return Related(now, events, pods=[one for one in pods if _mounts(one, obj.metadata.name)])
    return Related(now, events)


def _mounts(pod: Pod, claim: str) -> bool:
    return claim in volumes.claims_of(pod)


async def _events(client: Client, obj: Message) -> list[Event]:
    """By name and kind: those of cluster-wide objects carry the name in place of a uid, in any namespace."""
    kind, about = discovery.kind_of(obj), metadata(obj)
    fields = f"involvedObject.kind={kind.name},involvedObject.name={about.name}"
    listed = (await client.list(Event, about.namespace, field_selector=fields)).items
    return [one for one in listed if one.involvedObject.uid in ("", about.uid, about.name)]
