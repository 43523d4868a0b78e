"""Which devices containers have, kept in a file over restarts."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from google.protobuf.message import DecodeError

from node.kubelet.disk.state_file import StateFile
from podlab.foreign.deviceplugin.v1beta1 import api_pb2

log = logging.getLogger(__name__)

_LOST = "containers that start again are given devices anew"


@dataclass(frozen=True)
class Given:
    """Devices of one resource that one container has, and what it needs to use them."""

    pod_uid: str
    container: str
    resource: str
    ids: tuple[str, ...]
    how: api_pb2.ContainerAllocateResponse


class _Stored(TypedDict):
    pod_uid: str
    container: str
    resource: str
    ids: list[str]
    how: str


class _GivenState(TypedDict):
    given: list[_Stored]
    resources: list[str]


class GivenDevices:
    """Every change is written down before it counts. Raises OSError where that cannot be done."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile[_GivenState](path, _LOST)
        self._all: dict[tuple[str, str, str], Given] = {}
        self.resources: frozenset[str] = frozenset()
        """Those whose plugins had registered before."""
        told = self._file.load()
        try:
            given = [_given(each) for each in told["given"]] if told is not None else []
            self.resources = frozenset(told["resources"] if told is not None else ())
            self._all = {(each.pod_uid, each.container, each.resource): each for each in given}
        except (KeyError, TypeError, ValueError, DecodeError) as error:
            log.error("%s cannot be understood: %s; %s", path, error, _LOST)

    def of(self, pod_uid: str, container: str = "") -> list[Given]:
        """What the pod has, or one container of it."""
        return [each for each in self._all.values() if each.pod_uid == pod_uid and container in ("", each.container)]

    def in_use(self, resource: str) -> set[str]:
        """The resource's devices that containers have."""
        return {one for each in self._all.values() if each.resource == resource for one in each.ids}

    def pod_uids(self) -> set[str]:
        """Of those that have devices."""
        return {each.pod_uid for each in self._all.values()}

    def add(self, new: Iterable[Given]) -> None:
        """From now on containers have these, too."""
        self._put({**self._all, **{(each.pod_uid, each.container, each.resource): each for each in new}})

    def forget(self, pod_uids: Iterable[str]) -> None:
        """These pods have nothing any more."""
        gone = set(pod_uids)
        if gone & self.pod_uids():
            self._put({place: each for place, each in self._all.items() if each.pod_uid not in gone})

    def remember(self, resource: str) -> None:
        """The resource is one of devices, also while no plugin is there."""
        if resource not in self.resources:
            self.resources |= {resource}
            self._put(self._all)

    def _put(self, all_given: dict[tuple[str, str, str], Given]) -> None:
        self._file.save({"given": [_stored(each) for each in all_given.values()], "resources": sorted(self.resources)})
        self._all = all_given


def _stored(given: Given) -> _Stored:
    how = base64.b64encode(given.how.SerializeToString()).decode()
    return {
        "pod_uid": given.pod_uid,
        "container": given.container,
        "resource": given.resource,
        "ids": list(given.ids),
        "how": how,
    }


def _given(told: _Stored) -> Given:
    how = api_pb2.ContainerAllocateResponse.FromString(base64.b64decode(told["how"]))
    return Given(told["pod_uid"], told["container"], told["resource"], tuple(told["ids"]), how)
