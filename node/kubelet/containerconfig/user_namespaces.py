"""Users of pods that are not the host's: of `hostUsers: false`. Each has 65,536 of the host's ids to itself.

https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypedDict

from node.kubelet.cri.runtime import RuntimeHandler
from node.kubelet.disk.state_file import StateFile
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

IDS_PER_POD = 65536
FILE = "userns"
"""In the pod's directory, with which it goes."""
HOST_USERS = cri.UserNamespace(mode=cri.NODE)
"""What pods have that do not want their own."""
_LOST = "the pod's ids are chosen anew"


class UserNamespaceError(Exception):
    """Why a pod cannot have users of its own, in Kubernetes' words."""


class _UserState(TypedDict):
    first: int


def is_wanted(spec: pod_pb2.PodSpec) -> bool:
    """Whether the pod has users of its own."""
    return spec.HasField("hostUsers") and not spec.hostUsers


def check(handler: str, handlers: Iterable[RuntimeHandler]) -> None:
    """Raises UserNamespaceError where the runtime's handler (empty: its default) gives pods none. Pure."""
    known = next((each for each in handlers if each.name == handler), None)
    if known is not None and known.user_namespaces:
        return
    which = f'RuntimeClass handler "{handler}"' if handler else "runtime"
    told = f"can't set `spec.hostUsers: false`, {which} does not support user namespaces"
    raise UserNamespaceError(told if known is not None else f'{told}: the handler "{handler}" is not known')


def free(taken: Collection[int], most: int) -> int:
    """The first id of a range that nobody has. Those of the host's own users are never given. Pure."""
    for first in range(IDS_PER_POD, IDS_PER_POD * (most + 1), IDS_PER_POD):
        if first not in taken:
            return first
    raise UserNamespaceError("create user namespace: could not find an empty slot to allocate a user namespace")


class UserNamespaces:
    """Of the pods that have a directory below `pods`, `most` at once. What is there is read anew each time: no call
    waits between its look and what it writes, so that two pods never have the same."""

    def __init__(self, pods: Path, most: int) -> None:
        self._pods = pods
        self._most = most

    def of(self, pod: pod_pb2.Pod) -> cri.UserNamespace:
        """The pod's, whose directory is there; the same each time. Raises UserNamespaceError."""
        if not is_wanted(pod.spec):
            return HOST_USERS
        file = self._file(pod.metadata.uid)
        stored = file.load()
        try:
            first = stored["first"] if stored is not None else free(self._taken(), self._most)
            if stored is None:
                file.save({"first": first})
        except (OSError, KeyError) as error:
            raise UserNamespaceError(f"create user namespace: {error}") from error
        mapped = cri.IDMapping(host_id=first, container_id=0, length=IDS_PER_POD)
        return cri.UserNamespace(mode=cri.POD, uids=[mapped], gids=[mapped])

    def _taken(self) -> set[int]:
        """Raises OSError."""
        stored = (self._file(path.parent.name).load() for path in self._pods.glob(f"*/{FILE}"))
        return {each["first"] for each in stored if each is not None}

    def _file(self, uid: str) -> StateFile[_UserState]:
        return StateFile(self._pods / uid / FILE, _LOST)
