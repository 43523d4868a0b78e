"""What a claim's status may say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from podlab_testing import builtin_kinds, devices

from podlab.api.values import times
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

Change = Callable[[ResourceClaim], object]


def claim() -> ResourceClaim:
    made = devices.claim()
    builtin_kinds.apply_defaults(made)
    return made


def given() -> ResourceClaim:
    return devices.allocated(claim(), devices.user("web"))


def reserve(held: ResourceClaim, uid: str = "u") -> None:
    held.status.reservedFor.add(resource="pods", name="web", uid=uid)


def result(**fields: object) -> Change:
    def change(held: ResourceClaim) -> None:
        one = held.status.allocation.devices.results[0]
        for name, value in fields.items():
            setattr(one, name, value)

    return change


def told_of(**fields: object) -> Change:
    def change(held: ResourceClaim) -> None:
        at = {"driver": devices.DRIVER, "pool": "n1", "device": "gpu-0", **fields}
        held.status.devices.add(**at)  # type: ignore[arg-type]

    return change


ADDRESS = 'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form'
FIRST: list[tuple[Change, list[str]]] = [
    (lambda _: None, []),
    (
        result(request="other"),
        ['status.allocation.devices.results[0].request: Invalid value: "other": must be the'],
    ),
    (result(driver=""), ["status.allocation.devices.results[0].driver: Required value"]),
    (result(pool="A"), ['status.allocation.devices.results[0].pool: Invalid value: "A"']),
    (result(device="A"), ['status.allocation.devices.results[0].device: Invalid value: "A"']),
    (
        result(shareID="X"),
        ['status.allocation.devices.results[0].shareID: Invalid value: "X": uid must be in RFC'],
    ),
    (
        lambda held: held.status.allocation.devices.config.add(source="FromHere").deviceConfiguration.opaque,
        [
            'status.allocation.devices.config[0].source: Unsupported value: "FromHere": supported values: "FromClaim"',
            "status.allocation.devices.config[0].opaque: Required value",
        ],
    ),
    (reserve, []),
    (lambda held: held.status.reservedFor.add(name="a", uid="u"), ["status.reservedFor[1].resource: Required value"]),
    (lambda held: [reserve(held), reserve(held)], ['status.reservedFor[2]: Duplicate value: "u"']),
    (
        lambda held: [reserve(held, f"u-{at}") for at in range(256)],
        ["status.reservedFor: Too many: 257: must have at most 256 items"],
    ),
    (told_of(), []),
    (told_of(device="gpu-1"), ['status.devices[0]: Invalid value: "gpu.example.com/n1/gpu-1": must be an allocated']),
    (told_of(networkData={"ips": ["10.0.0.1/24", "2001:db8::1/64"]}), []),
    (told_of(networkData={"ips": ["10.0.0.1"]}), [ADDRESS]),
    (
        told_of(networkData={"ips": ["2001:DB8::1/64"]}),
        ['status.devices[0].networkData.ips[0]: Invalid value: "2001:DB8::1/64": must be in canonical form'],
    ),
    (
        told_of(networkData={"interfaceName": "x" * 257}),
        ["status.devices[0].networkData.interfaceName: Too long: may not be more than 256 bytes"],
    ),
    (told_of(data={"raw": b"[]"}), ['status.devices[0].data: Invalid value: "<value omitted>": must be a valid JSON']),
    (told_of(conditions=[{}]), ["status.devices[0].conditions[0].type: Invalid value"]),
]


@pytest.mark.parametrize(("change", "told"), FIRST, ids=range(len(FIRST)))
def test_what_is_wrong_is_told_in_kubernetes_words(change: Change, told: list[str]) -> None:
    new = given()
    new.status.reservedFor[0].uid = "u-web"
    change(new)
    causes = [str(cause) for cause in builtin_kinds.validate_status_update(new, claim())]
    assert [start for start in told if not any(cause.startswith(start) for cause in causes)] == [], causes
    assert bool(causes) == bool(told), causes


def test_a_claim_is_reserved_when_something_was_given_to_it() -> None:
    held = claim()
    reserve(held)
    (cause,) = builtin_kinds.validate_status_update(held, claim())
    assert str(cause) == "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    row = builtin_kinds.resource(held).table.row(given(), False, datetime.now(UTC))
    assert row[1] == "allocated,reserved"


def test_what_was_given_stays_until_it_is_taken_back_as_a_whole() -> None:
    old, new = given(), given()
    for held in (old, new):
        held.status.reservedFor[0].uid = "u-web"
    new.status.allocation.devices.results[0].device = "gpu-1"
    (cause,) = builtin_kinds.validate_status_update(new, old)
    assert str(cause) == "status.allocation: Invalid value: null: field is immutable"
    new.status.Clear()
    assert builtin_kinds.validate_status_update(new, old) == ()


def test_a_claim_that_goes_gets_no_new_consumers_and_may_lose_some() -> None:
    old = given()
    old.status.reservedFor[0].uid = "u-web"
    old.metadata.deletionTimestamp.CopyFrom(times.now())
    new = type(old)()
    new.CopyFrom(old)
    reserve(new)
    (cause,) = builtin_kinds.validate_status_update(new, old)
    assert str(cause).startswith("status.reservedFor: Forbidden: new entries may not be added while")
    del new.status.reservedFor[:]
    assert builtin_kinds.validate_status_update(new, old) == ()
