"""What a request says beside its object, as webhooks and expressions see it: CreateOptions and the like. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from master.apiserver.admission.write import Deletion, Operation, Write
from podlab.api.values.jsonvalues import Json

_KINDS: Mapping[Operation, str] = {
    Operation.CREATE: "CreateOptions",
    Operation.UPDATE: "UpdateOptions",
    Operation.DELETE: "DeleteOptions",
}


def options_of(write: Write, operation: Operation) -> dict[str, Json] | None:
    """Those of the operation that is seen; None for a connection, whose options are its object."""
    kind = _KINDS.get(operation)
    if kind is None:
        return None
    told: dict[str, Json] = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if write.dry_run:
        told["dryRun"] = ["All"]
    if write.context.named_manager:
        told["fieldManager"] = write.context.named_manager
    if write.deletion is not None and operation is Operation.DELETE:
        told |= _terms(write.deletion)
    return told


def _terms(deletion: Deletion) -> dict[str, Json]:
    told: dict[str, Json] = {}
    if deletion.grace_period_s is not None:
        told["gracePeriodSeconds"] = deletion.grace_period_s
    preconditions: dict[str, Json] = {}
    for name, value in (("uid", deletion.uid), ("resourceVersion", deletion.resource_version)):
        if value:
            preconditions[name] = value
    if preconditions:
        told["preconditions"] = preconditions
    if deletion.propagation is not None:
        told["propagationPolicy"] = deletion.propagation.value
    return told
