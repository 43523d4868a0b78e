"""Questions about a pod's spec that several modules ask."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

from podlab.api.pods import containers, podresources
from podlab.api.selection.labels import CONFIG_SOURCE, FILE_SOURCE
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2

T = TypeVar("T")
DEFAULT_GRACE_S = 30
CRITICAL_PRIORITY = 2_000_000_000
"""That of system-cluster-critical."""
# Of a resize policy.
RESTART = "RestartContainer"


def full_name(pod: pod_pb2.Pod) -> str:
    """How Kubernetes' kubelet names a pod in Events: name_namespace(uid)."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def field_path(pod: pod_pb2.Pod, container: str) -> str:
    """The container's path in an Event: spec.containers{web}, or the same of init or ephemeral containers."""
    if is_init(pod, container):
        return f"spec.initContainers{{{container}}}"
    return f"spec.{'ephemeralContainers' if is_ephemeral(pod, container) else 'containers'}{{{container}}}"


def is_sidecar(container: pod_pb2.Container) -> bool:
    """Whether an init container keeps running beside the main containers, and ends after them."""
    return container.restartPolicy == "Always"


def all_containers(pod: pod_pb2.Pod) -> Iterator[pod_pb2.Container]:
    """Init containers, then main containers. Ephemeral containers are left out."""
    yield from pod.spec.initContainers
    yield from pod.spec.containers


def container_named(pod: pod_pb2.Pod, name: str) -> pod_pb2.Container | None:
    return next((container for container in containers.every(pod.spec) if container.name == name), None)


def is_init(pod: pod_pb2.Pod, name: str) -> bool:
    """Whether it is an init container, sidecars included."""
    return any(init.name == name for init in pod.spec.initContainers)


def is_ephemeral(pod: pod_pb2.Pod, name: str) -> bool:
    """Whether it is an ephemeral container, which joins the running pod and runs once."""
    return any(container.name == name for container in containers.ephemeral(pod.spec))


def target_of(pod: pod_pb2.Pod, name: str) -> str:
    """The container whose processes an ephemeral container sees; empty when it sees its own."""
    found = (each for each in pod.spec.ephemeralContainers if each.ephemeralContainerCommon.name == name)
    return next((each.targetContainerName for each in found), "")


def restarts(pod: pod_pb2.Pod, container: pod_pb2.Container, exit_code: int) -> bool:
    """Whether a container is restarted after it ended with the code: by its rules, its own policy, or the pod's. An
    init container that succeeded is not, unless a rule says so."""
    if is_ephemeral(pod, container.name):
        return False
    if is_sidecar(container):
        return True
    if any(_matches(rule.exitCodes, exit_code) for rule in container.restartPolicyRules if rule.action == "Restart"):
        return True
    policy = container.restartPolicy or pod.spec.restartPolicy or "Always"
    if is_init(pod, container.name):
        return exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _matches(wanted: pod_pb2.ContainerRestartRuleOnExitCodes, exit_code: int) -> bool:
    return (exit_code in wanted.values) == (wanted.operator == "In")


def grace_s(pod: pod_pb2.Pod) -> int:
    """The grace period of the pod's containers: that of the deletion, or the pod's own."""
    if pod.metadata.HasField("deletionGracePeriodSeconds"):
        return max(1, pod.metadata.deletionGracePeriodSeconds)
    if pod.spec.HasField("terminationGracePeriodSeconds"):
        return max(1, pod.spec.terminationGracePeriodSeconds)
    return DEFAULT_GRACE_S


def container_hash(spec: pod_pb2.PodSpec, container: pod_pb2.Container) -> str:
    """A container with another hash is replaced: one with another image, or with another amount of a resource whose
    changes restart it, be it its own or its pod's."""
    image = hashlib.sha256(container.image.encode()).hexdigest()[:8]
    restarting = sorted(each.resourceName for each in container.resizePolicy if each.restartPolicy == RESTART)
    if not restarting:
        return image
    sides = (container.resources.requests, podresources.limits_of(spec, container))
    amounts = [str(quantity.parse(side[name])) if name in side else "" for name in restarting for side in sides]
    return f"{image}-{hashlib.sha256(' '.join([*restarting, *amounts]).encode()).hexdigest()[:8]}"


def is_static(pod: pod_pb2.Pod) -> bool:
    """Whether a file of the node describes it. No pod of the API server can pass for one: their uids have dashes."""
    return pod.metadata.annotations.get(CONFIG_SOURCE) == FILE_SOURCE and "-" not in pod.metadata.uid


def left_by_init(pod: pod_pb2.Pod, container: str, given: Mapping[str, Collection[T]]) -> frozenset[T]:
    """What init containers leave to the container of what each has been `given`: they have ended before it starts."""
    found = frozenset[T]()
    for earlier in (*pod.spec.initContainers, *pod.spec.containers):
        if earlier.name == container:
            break
        if is_init(pod, earlier.name) and not is_sidecar(earlier):
            found |= frozenset(given.get(earlier.name, ()))
        else:
            found -= frozenset(given.get(earlier.name, ()))
    return found
