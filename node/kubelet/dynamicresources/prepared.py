"""The claims that are prepared on the node, or about to be, and for which pods: kept in a file over restarts."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedDevice:
    """A device as its driver has made it ready. `requests` are those of the claim that it is for; empty: all."""

    driver: str
    pool: str
    device: str
    requests: tuple[str, ...] = ()
    cdi_ids: tuple[str, ...] = ()


@dataclass
class PreparedClaim:
    """`pods` are the uids of those that use it here. It is no longer needed when there is none."""

    uid: str
    namespace: str
    name: str
    drivers: tuple[str, ...]
    pods: set[str] = field(default_factory=set)
    devices: list[PreparedDevice] = field(default_factory=list)
    is_prepared: bool = False

    @classmethod
    def of(cls, claim: ResourceClaim) -> PreparedClaim:
        """Before anything was done for it."""
        results = claim.status.allocation.devices.results
        drivers = tuple(sorted({result.driver for result in results}))
        return cls(claim.metadata.uid, claim.metadata.namespace, claim.metadata.name, drivers)

    def cdi_ids(self, request: str) -> list[str]:
        """Of the devices for the request, or for one of its alternatives; of all where no request is named."""
        return [
            each
            for device in self.devices
            if not request or not device.requests or any(_is_of(name, request) for name in device.requests)
            for each in device.cdi_ids
        ]


class _StoredDevice(TypedDict):
    driver: str
    pool: str
    device: str
    requests: list[str]
    cdi_ids: list[str]


class _StoredClaim(TypedDict):
    uid: str
    namespace: str
    name: str
    drivers: list[str]
    pods: list[str]
    devices: list[_StoredDevice]
    is_prepared: bool


class Checkpoint:
    """Claims by namespace and name. `save` after each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.claims: dict[tuple[str, str], PreparedClaim] = {}
        for told in self._stored():
            claim = _claim(told)
            self.claims[claim.namespace, claim.name] = claim

    def used_by(self, pod_uid: str) -> list[PreparedClaim]:
        """The claims of one pod."""
        return [claim for claim in self.claims.values() if pod_uid in claim.pods]

    def save(self) -> None:
        """Replaces the file at once, so that a kubelet that is killed leaves the old one or the new one."""
        told = [{**asdict(claim), "pods": sorted(claim.pods)} for claim in self.claims.values()]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps({"claims": told}))
        beside.replace(self._path)

    def _stored(self) -> list[_StoredClaim]:
        try:
            found: list[_StoredClaim] = json.loads(self._path.read_text())["claims"]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            log.error("%s cannot be read: %s; drivers are asked anew", self._path, error)
            return []
        return found


def _claim(told: _StoredClaim) -> PreparedClaim:
    return PreparedClaim(
        told["uid"],
        told["namespace"],
        told["name"],
        tuple(told["drivers"]),
        set(told["pods"]),
        [_device(one) for one in told["devices"]],
        told["is_prepared"],
    )


def _device(told: _StoredDevice) -> PreparedDevice:
    of = told["driver"], told["pool"], told["device"]
    return PreparedDevice(*of, tuple(told["requests"]), tuple(told["cdi_ids"]))


def _is_of(name: str, request: str) -> bool:
    return name == request or name.partition("/")[0] == request
