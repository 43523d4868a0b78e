"""The pod that a command means by `web-1`, `pod/web-1` or `deployment/web`, and the container in it."""

from google.protobuf.message import Message

from podlab.api.pods import containers
from podlab.api.selection import selectors
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.batch.v1.job_pb2 import Job
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing, targets
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Container as ContainerSpec
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.core.v1.service_pb2 import Service

_WORKLOADS = (DaemonSet, Deployment, Job, ReplicaSet, StatefulSet)
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


async def find_pod(client: Client, word: str, namespace: str) -> Pod:
    """Raises NotFound; CommandError when a workload has no pod or the kind has none at all."""
    if "/" not in word:
        return await client.get(Pod, word, namespace)
    target = targets.one([word], "logs or exec")
    owner = await client.get(target.kind.message, target.name, namespace)
    if isinstance(owner, Pod):
        return owner
    selector = selector_of(owner)
    if not selector:
        raise CommandError(f"{target}: only pods, workloads and services with a selector have pods")
    pods = (await client.list(Pod, namespace, label_selector=selector)).items
    if not pods:
        raise CommandError(f"{target} has no pods: none carries {selector}")
    chosen = min(pods, key=lambda pod: (pod.status.phase != "Running", pod.metadata.name))
    if len(pods) > 1:
        printing.warn(f"Found {len(pods)} pods, using pod/{chosen.metadata.name}")
    return chosen


def selector_of(owner: Message) -> str:
    """By which labels a workload or a Service has its pods; empty for what has none."""
    if isinstance(owner, _WORKLOADS):
        return str(selectors.from_message(owner.spec.selector))
    if isinstance(owner, ReplicationController | Service):
        return str(selectors.from_labels(owner.spec.selector))
    return ""


async def find_service(client: Client, word: str, namespace: str) -> Service | None:
    """The Service that is meant; None when another kind is. Raises NotFound."""
    if "/" not in word or targets.one([word], "port-forward").kind.message is not Service:
        return None
    return await client.get(Service, targets.one([word], "port-forward").name, namespace)


def containers_of(pod: Pod) -> list[ContainerSpec]:
    """All of them, those that joined it included."""
    return list(containers.every(pod.spec))


def container_of(pod: Pod, wanted: str) -> str:
    """The container's name: the one wanted, which must exist, or the pod's first."""
    main = [container.name for container in pod.spec.containers]
    rest = (*pod.spec.initContainers, *containers.ephemeral(pod.spec))
    every = [*main, *(container.name for container in rest)]
    if wanted:
        if wanted not in every:
            raise CommandError(f"container {wanted} is not in pod {pod.metadata.name}: it has {', '.join(every)}")
        return wanted
    chosen = pod.metadata.annotations.get(_DEFAULT_CONTAINER, "")
    if chosen in main:
        return chosen
    if len(main) > 1:
        printing.warn(f'Defaulted container "{main[0]}" out of: {", ".join(every)}')
    return main[0]
