"""Which of a node's pods go when it is drained, and which stand in the way: decided from the pods alone.

https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from podlab.api.objects import controller_of, is_owner
from podlab.api.pods.podphase import is_terminal
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.core.v1.pod_pb2 import Pod


@dataclass(frozen=True)
class Allowed:
    """What the user lets happen."""

    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    force: bool = False


@dataclass
class Leaving:
    """`refusals` say what stands in the way, `warnings` what is lost or left behind."""

    pods: list[Pod] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Rule:
    """Pods that need leave to be dealt with; kubectl's words for it when it is not given, and when it is."""

    concerns: Callable[[Pod], bool]
    allowed: Callable[[Allowed], bool]
    refusal: str
    warning: str


def leaving(pods: Iterable[Pod], allowed: Allowed) -> Leaving:
    """The pods in their order. Those of DaemonSets stay: they would come back at once."""
    found = Leaving()
    every = [pod for pod in pods if MIRROR_ANNOTATION not in pod.metadata.annotations]
    for rule in _RULES:
        named = ", ".join(f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in every if rule.concerns(pod))
        if named and rule.allowed(allowed):
            found.warnings.append(f"{rule.warning}: {named}")
        elif named:
            found.refusals.append(f"{rule.refusal}: {named}")
    found.pods += [pod for pod in every if not _is_daemon(pod)]
    return found


def _is_over(pod: Pod) -> bool:
    return is_terminal(pod)


def _is_daemon(pod: Pod) -> bool:
    owner = controller_of(pod.metadata)
    return owner is not None and is_owner(owner, DaemonSet) and not _is_over(pod)


def _loses_data(pod: Pod) -> bool:
    local = any(volume.volumeSource.HasField("emptyDir") for volume in pod.spec.volumes)
    return local and not _is_over(pod) and not _is_daemon(pod)


def _is_nobodys(pod: Pod) -> bool:
    return controller_of(pod.metadata) is None and not _is_over(pod)


_RULES = (
    _Rule(
        _is_daemon,
        lambda allowed: allowed.ignore_daemonsets,
        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
        "ignoring DaemonSet-managed Pods",
    ),
    _Rule(
        _loses_data,
        lambda allowed: allowed.delete_emptydir_data,
        "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
        "deleting Pods with local storage",
    ),
    _Rule(
        _is_nobodys,
        lambda allowed: allowed.force,
        "cannot delete Pods that declare no controller (use --force to override)",
        "deleting Pods that declare no controller",
    ),
)
