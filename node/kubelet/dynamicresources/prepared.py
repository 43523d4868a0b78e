"""The claims that are prepared on the node, or about to be, and for which pods: kept in a file over restarts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from node.kubelet.disk.state_file import StateFile
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

log = logging.getLogger(__name__)

_LOST = "drivers are asked anew"


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

    def of_request(self, request: str) -> list[PreparedDevice]:
        """The devices for the request, or for one of its alternatives; all where no request is named."""
        return [
            device
            for device in self.devices
            if not request or not device.requests or any(_is_of(name, request) for name in device.requests)
        ]

    def cdi_ids(self, request: str) -> list[str]:
        """Of these devices."""
        return [each for device in self.of_request(request) for each in device.cdi_ids]


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


class _ClaimState(TypedDict):
    claims: list[_StoredClaim]


class Checkpoint:
    """Claims by namespace and name. `save` after each change."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile[_ClaimState](path, _LOST)
        self.claims: dict[tuple[str, str], PreparedClaim] = {}
        try:
            state = self._file.load()
            for claim in [_claim(told) for told in state["claims"]] if state is not None else ():
                self.claims[claim.namespace, claim.name] = claim
        except (KeyError, TypeError) as error:
            log.error("%s cannot be understood: %s; %s", path, error, _LOST)

    def used_by(self, pod_uid: str) -> list[PreparedClaim]:
        """The claims of one pod."""
        return [claim for claim in self.claims.values() if pod_uid in claim.pods]

    def save(self) -> None:
        """Raises OSError."""
        told = [_stored(claim) for claim in self.claims.values()]
        self._file.save({"claims": told})


def _stored(claim: PreparedClaim) -> _StoredClaim:
    return {
        "uid": claim.uid,
        "namespace": claim.namespace,
        "name": claim.name,
        "drivers": list(claim.drivers),
        "pods": sorted(claim.pods),
        "devices": [
            {
                "driver": each.driver,
                "pool": each.pool,
                "device": each.device,
                "requests": list(each.requests),
                "cdi_ids": list(each.cdi_ids),
            }
            for each in claim.devices
        ],
        "is_prepared": claim.is_prepared,
    }


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
