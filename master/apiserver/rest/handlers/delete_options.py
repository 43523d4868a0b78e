"""DeleteOptions, from a body or a query, as what is to be deleted. Pure."""

from __future__ import annotations

from typing import Any

from master.apiserver.admission.write import Deletion, Propagation
from master.apiserver.request.paths import Place
from master.apiserver.request.query import DRY_RUN_ALL, Query, invalid_option
from master.apiserver.request.write_options import WriteOptions
from podlab.api.serializer import codec
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import DeleteOptions

_POLICIES = tuple(Propagation)


def told(options: Any, query: Query) -> DeleteOptions:
    """The options in the body, or else in the query. Raises BadRequest, Invalid."""
    read = _from_query(query) if options is None else _checked(options)
    check(read)
    return read


def check(told: DeleteOptions) -> None:
    """Raises Invalid for a stage of dry runs that there is not."""
    for stage in told.dryRun:
        if stage != DRY_RUN_ALL:
            raise invalid_option("dryRun", stage, (DRY_RUN_ALL,), of="DeleteOptions")


def write_options(told: DeleteOptions) -> WriteOptions:
    """What they say of the write: no deletion names a field manager."""
    return WriteOptions(dry_run=bool(told.dryRun))


def deletion(place: Place, told: DeleteOptions) -> Deletion:
    """What is to be deleted, on these terms. Raises BadRequest, Invalid."""
    return Deletion(
        place.resource.kind,
        place.namespace,
        place.name,
        uid=told.preconditions.uid,
        resource_version=told.preconditions.resourceVersion,
        grace_period_s=told.gracePeriodSeconds if told.HasField("gracePeriodSeconds") else None,
        propagation=_policy(told),
    )


def _from_query(query: Query) -> DeleteOptions:
    told = DeleteOptions(gracePeriodSeconds=query.number("gracePeriodSeconds"))
    if policy := query.text("propagationPolicy"):
        told.propagationPolicy = policy
    if "orphanDependents" in query.values:
        told.orphanDependents = query.flag("orphanDependents")
    if stage := query.text("dryRun"):
        told.dryRun.append(stage)
    return told


def _checked(options: Any) -> DeleteOptions:
    if not isinstance(options, dict):
        raise BadRequest("the body of a delete must be DeleteOptions, an object")
    if options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"the body of a delete must be DeleteOptions, found kind {options['kind']!r}")
    # Clients send it in the version of whatever group they delete from.
    said = {name: value for name, value in options.items() if name not in ("kind", "apiVersion")}
    try:
        return codec.part_from_dict(said, DeleteOptions)
    except BadRequest as error:
        raise BadRequest(f"DeleteOptions: {error.message}", causes=error.causes) from error


def _policy(told: DeleteOptions) -> Propagation | None:
    policy = told.propagationPolicy
    if told.HasField("orphanDependents"):
        if policy:
            raise BadRequest("DeleteOptions: orphanDependents and propagationPolicy cannot be both set")
        return Propagation.ORPHAN if told.orphanDependents else Propagation.BACKGROUND
    if not policy:
        return None
    if policy not in _POLICIES:
        raise invalid_option("propagationPolicy", policy, _POLICIES, of="DeleteOptions")
    return Propagation(policy)
