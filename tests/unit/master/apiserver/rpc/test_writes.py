"""What RPCs ask to be written, and whom it is put down to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from podlab_testing.registry import ADMIN

from master.apiserver.admission.write import Operation, Write
from master.apiserver.request.info import Exchange, RequestInfo
from master.apiserver.rpc import writes
from podlab.api import kinds
from podlab.api.objects import wrap
from podlab.core.v1 import event_pb2, pod_pb2
from podlab.errors import Invalid
from podlab.kinds import builtin
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

CATALOG = builtin.catalog()
BY = Exchange(
    RequestInfo(
        user=ADMIN, wanted=(), uri="", verb="", user_agent="gardener/1.2 grpc-go/1.6", kind=kinds.of(pod_pb2.Pod)
    )
)
POD = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="a", namespace="default"))
EVENT = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name="a", namespace="default"))
PATCHED = {"kind": "Pod", "namespace": "default", "name": "a", "type": pb.PATCH_TYPE_MERGE, "patch": b"{}"}

Asked = tuple[type[Any], dict[str, Any], Callable[[Any], Write | Sequence[Write]], tuple[Operation, str]]
NAMING: dict[str, Asked] = {
    "Create": (
        pb.CreateRequest,
        {"object": wrap(POD)},
        lambda r: writes.create(r, BY, CATALOG),
        (Operation.CREATE, ""),
    ),
    "Update": (
        pb.UpdateRequest,
        {"object": wrap(POD)},
        lambda r: writes.update(r, BY, CATALOG),
        (Operation.UPDATE, ""),
    ),
    "UpdateStatus": (
        pb.UpdateStatusRequest,
        {"object": wrap(POD)},
        lambda r: writes.update_status(r, BY, CATALOG),
        (Operation.UPDATE, "status"),
    ),
    "UpdateStatuses": (
        pb.UpdateStatusesRequest,
        {"objects": [wrap(POD)]},
        lambda r: writes.update_statuses(r, BY, CATALOG),
        (Operation.UPDATE, "status"),
    ),
    "Patch": (pb.PatchRequest, PATCHED, lambda r: writes.patch(r, BY, CATALOG), (Operation.UPDATE, "")),
    "Patch status": (
        pb.PatchRequest,
        PATCHED | {"subresource": "status"},
        lambda r: writes.patch(r, BY, CATALOG),
        (Operation.UPDATE, "status"),
    ),
    "Bind": (
        pb.BindRequest,
        {"bindings": [pb.Binding(namespace="default", name="a", node_name="n1")]},
        lambda r: writes.bind(r, BY),
        (Operation.CREATE, "binding"),
    ),
    "Evict": (
        pb.EvictRequest,
        {"namespace": "default", "name": "a"},
        lambda r: writes.evict(r, BY),
        (Operation.DELETE, "eviction"),
    ),
    "Preempt": (
        pb.PreemptRequest,
        {"victims": [pb.Victim(namespace="default", name="a")]},
        lambda r: writes.preempt(r, BY),
        (Operation.DELETE, ""),
    ),
    "RecordEvents": (
        pb.RecordEventsRequest,
        {"events": [EVENT]},
        lambda r: writes.record_events(r, BY),
        (Operation.UPDATE, ""),
    ),
}


def _only(made: Write | Sequence[Write]) -> Write:
    if isinstance(made, Write):
        return made
    (one,) = made
    return one


@pytest.mark.parametrize("case", NAMING)
def test_a_write_is_put_down_to_the_manager_it_names_or_else_to_the_program(case: str) -> None:
    message, fields, asked_for, (operation, subresource) = NAMING[case]
    unnamed = _only(asked_for(message(**fields)))
    assert (unnamed.operation, unnamed.subresource, unnamed.name) == (operation, subresource, "a")
    assert (unnamed.context.manager, unnamed.user) == ("gardener", ADMIN)
    assert _only(asked_for(message(**fields, field_manager="rose"))).context.manager == "rose"
    with pytest.raises(Invalid, match="field_manager: Too long"):
        asked_for(message(**fields, field_manager="m" * 129))


def test_a_deletion_is_put_down_to_the_program() -> None:
    write = writes.delete(pb.DeleteRequest(kind="Pod", namespace="default", name="a", dry_run=True), BY)
    assert (write.context.manager, write.dry_run) == ("gardener", True)


def test_every_request_that_can_name_its_manager_is_tried_here() -> None:
    requests = {
        name
        for name, message in pb.DESCRIPTOR.message_types_by_name.items()
        if "field_manager" in message.fields_by_name
    }
    assert requests == {f"{case.partition(' ')[0]}Request" for case in NAMING}
