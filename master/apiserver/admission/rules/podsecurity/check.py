"""What a check is, and the words in which checks speak of containers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from podlab.core.v1.pod_pb2 import Container, PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

WINDOWS = "windows"


class SecurityLevel(IntEnum):
    """From the least strict to the strictest."""

    PRIVILEGED = 0
    BASELINE = 1
    RESTRICTED = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a pod is not allowed: the reason alone where many pods are told of, with the detail where it is one."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


CheckPod = Callable[[ObjectMeta, PodSpec], Violation | None]


@dataclass(frozen=True, slots=True)
class Revision:
    """A check as it is from the version 1.`since` on, and which checks of `baseline` it takes the place of."""

    since: int
    check: CheckPod
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """`revisions` are from the oldest to the newest."""

    id: str
    level: SecurityLevel
    revisions: tuple[Revision, ...]

    def at(self, minor: int) -> Revision | None:
        """The revision that holds in version 1.`minor`."""
        return next((one for one in reversed(self.revisions) if one.since <= minor), None)


def containers(spec: PodSpec) -> Iterator[Container]:
    """All of a pod."""
    yield from spec.initContainers
    yield from spec.containers
    yield from (one.ephemeralContainerCommon for one in spec.ephemeralContainers)


def quoted(names: Collection[str]) -> str:
    """`"a", "b"`."""
    return ", ".join(f'"{name}"' for name in names)


def counted(count: int, one: str, many: str) -> str:
    """The word for so many."""
    return one if count == 1 else many


def containers_named(names: Sequence[str]) -> str:
    """`container "a"`, or `containers "a", "b"`."""
    return f"{counted(len(names), 'container', 'containers')} {quoted(names)}"


def setters(by_pod: bool, names: Sequence[str]) -> str:
    """Who sets what is not allowed: the pod, its containers, or both."""
    return " and ".join([*(["pod"] if by_pod else []), *([containers_named(names)] if names else [])])


def is_windows(spec: PodSpec) -> bool:
    """Whether the pod is for Windows, where Linux' ways of security mean nothing."""
    return spec.os.name == WINDOWS


def in_user_namespace(spec: PodSpec) -> bool:
    """Whether users of the pod are nobody on its host."""
    return spec.HasField("hostUsers") and not spec.hostUsers
