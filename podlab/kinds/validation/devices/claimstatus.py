"""The status of ResourceClaims: what was given, to whom, and how it is."""

from __future__ import annotations

import re

from podlab.kinds.validation import syntax
from podlab.kinds.validation.conditions import check_conditions
from podlab.kinds.validation.devices.claims import check_reference, check_references, request_names
from podlab.kinds.validation.devices.parts import (
    MOST_OF_EACH,
    check_binding_conditions,
    check_configuration,
    check_different,
    check_name,
    check_pool_name,
    check_raw,
    check_tolerations,
    fits,
)
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.placement import check_node_selector
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.resource.v1 import resourceclaim_pb2 as pb

_MOST_CONSUMERS = 256
_MOST_CONDITIONS = 8
_MOST_ADDRESSES = 16
_INTERFACE_CHARS, _HARDWARE_ADDRESS_CHARS = 256, 128
_SOURCES = ("FromClaim", "FromClass")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UID_TOLD = (
    "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal"
    " characters"
)


def check_claim_status_update(found: Findings, new: pb.ResourceClaim, old: pb.ResourceClaim) -> None:
    """What was given once stays until it is taken back as a whole."""
    status = new.status
    _check_consumers(found, status)
    _check_devices(found, status)
    if status.reservedFor and not status.HasField("allocation"):
        found.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    elif new.metadata.HasField("deletionTimestamp"):
        before = {one.SerializeToString(deterministic=True) for one in old.status.reservedFor}
        if any(one.SerializeToString(deterministic=True) not in before for one in status.reservedFor):
            rule = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            found.forbidden("status.reservedFor", rule)
    if status.HasField("allocation") and old.status.HasField("allocation"):
        found.immutable("status.allocation", status.allocation, old.status.allocation, None)
    elif status.HasField("allocation"):
        _check_allocation(found, "status.allocation", status.allocation, request_names(new.spec.devices))


def _check_consumers(found: Findings, status: pb.ResourceClaimStatus) -> None:
    field = "status.reservedFor"
    if not fits(found, field, status.reservedFor, _MOST_CONSUMERS):
        return
    for index, consumer in enumerate(status.reservedFor):
        for name, value in (("resource", consumer.resource), ("name", consumer.name), ("uid", consumer.uid)):
            if not value:
                found.required(f"{field}[{index}].{name}")
    check_different(found, field, [one.uid for one in status.reservedFor])


def _check_allocation(found: Findings, field: str, given: pb.AllocationResult, names: frozenset[str]) -> None:
    devices = given.devices
    if fits(found, f"{field}.devices.results", devices.results):
        for index, result in enumerate(devices.results):
            _check_result(found, f"{field}.devices.results[{index}]", result, names)
    if fits(found, f"{field}.devices.config", devices.config, 2 * MOST_OF_EACH):
        for index, config in enumerate(devices.config):
            where = f"{field}.devices.config[{index}]"
            found.one_of_required(f"{where}.source", config.source, _SOURCES)
            check_references(found, f"{where}.requests", config.requests, names)
            check_configuration(found, where, config.deviceConfiguration)
    if given.HasField("nodeSelector"):
        check_node_selector(found, f"{field}.nodeSelector", given.nodeSelector)


def _check_result(found: Findings, field: str, result: pb.DeviceRequestAllocationResult, names: frozenset[str]) -> None:
    check_reference(found, f"{field}.request", result.request, names)
    check_driver_name(found, f"{field}.driver", result.driver)
    check_pool_name(found, f"{field}.pool", result.pool)
    check_name(found, f"{field}.device", result.device)
    check_binding_conditions(found, field, result.bindingConditions, result.bindingFailureConditions)
    check_tolerations(found, f"{field}.tolerations", result.tolerations)
    if result.HasField("shareID"):
        _check_uid(found, f"{field}.shareID", result.shareID)


def _check_devices(found: Findings, status: pb.ResourceClaimStatus) -> None:
    given = {(one.driver, one.pool, one.device, one.shareID) for one in status.allocation.devices.results}
    keys = [(one.driver, one.pool, one.device, one.shareID) for one in status.devices]
    shown = ["/".join(part for part in key if part) for key in keys]
    for index, device in enumerate(status.devices):
        where = f"status.devices[{index}]"
        check_driver_name(found, f"{where}.driver", device.driver)
        check_pool_name(found, f"{where}.pool", device.pool)
        check_name(found, f"{where}.device", device.device)
        if device.HasField("shareID"):
            _check_uid(found, f"{where}.shareID", device.shareID)
        if keys[index] not in given:
            found.invalid(where, shown[index], "must be an allocated device in the claim")
        found.too_many(f"{where}.conditions", len(device.conditions), _MOST_CONDITIONS)
        check_conditions(found, f"{where}.conditions", device.conditions)
        if device.data.raw:
            check_raw(found, f"{where}.data", device.data)
        _check_network(found, f"{where}.networkData", device.networkData)
    check_different(found, "status.devices", keys, shown)


def _check_network(found: Findings, field: str, data: pb.NetworkDeviceData) -> None:
    if len(data.interfaceName.encode()) > _INTERFACE_CHARS:
        found.too_long(f"{field}.interfaceName", _INTERFACE_CHARS)
    if len(data.hardwareAddress.encode()) > _HARDWARE_ADDRESS_CHARS:
        found.too_long(f"{field}.hardwareAddress", _HARDWARE_ADDRESS_CHARS)
    if fits(found, f"{field}.ips", data.ips, _MOST_ADDRESSES):
        for index, address in enumerate(data.ips):
            found.invalid(f"{field}.ips[{index}]", address, *syntax.interface_address(address))
        check_different(found, f"{field}.ips", data.ips)


def _check_uid(found: Findings, field: str, uid: str) -> None:
    if not _UID.fullmatch(uid):
        found.invalid(field, uid, _UID_TOLD)
