from __future__ import annotations

import pytest
from podlab_testing.builtin_kinds import validate_create, validate_status_update

from podlab.api.values import times
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.instants import FIRST_S, LAST_S, check_instants
from podlab.meta.v1 import meta_pb2


def faults(*, seconds: int, nanos: int = 0) -> list[str]:
    found = Findings()
    lease = lease_pb2.Lease()
    lease.spec.renewTime.seconds, lease.spec.renewTime.nanos = seconds, nanos
    check_instants(found, lease)
    return [cause.field for cause in found.causes]


@pytest.mark.parametrize(("edge", "step"), [(FIRST_S, -1), (LAST_S, 1)])
def test_what_is_let_in_can_be_written_as_text(edge: int, step: int) -> None:
    assert faults(seconds=edge) == []
    assert times.text(meta_pb2.Time(seconds=edge))
    assert faults(seconds=edge + step) == ["spec.renewTime"]
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        times.to_datetime(meta_pb2.Time(seconds=edge + step))


def test_a_fraction_is_one_of_a_second() -> None:
    assert faults(seconds=0, nanos=999_999_999) == []
    assert faults(seconds=0, nanos=-1) == faults(seconds=0, nanos=10**9) == ["spec.renewTime"]


def test_a_status_is_looked_through_as_well() -> None:
    old = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    new = pod_pb2.Pod()
    new.CopyFrom(old)
    new.status.conditions.add(type="Ready", status="True")
    new.status.conditions.add(type="PodScheduled", status="True").lastTransitionTime.seconds = LAST_S + 1
    (cause,) = validate_status_update(new, old)
    assert str(cause) == (
        'status.conditions[1].lastTransitionTime: Invalid value: "253402300800 s and 0 ns after 1970": '
        "must be a time between the years 1 and 9999"
    )


def test_an_object_without_times_has_no_faults_of_them() -> None:
    lease = lease_pb2.Lease(metadata=meta_pb2.ObjectMeta(name="n1", namespace="kube-node-lease"))
    assert validate_create(lease) == ()
