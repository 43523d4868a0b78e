"""DeleteOptions, from a body or a query, as what is to be deleted. Pure."""

from __future__ import annotations

from typing import Any

from master.apiserver.admission.write import Deletion, Propagation
from master.apiserver.request.paths import Place
from master.apiserver.request.query import Query, invalid_option, is_dry_run
from podlab.api.serializer import codec
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import DeleteOptions

_POLICIES = tuple(Propagation)


def deletion(place: Place, options: Any, query: Query) -> Deletion:
    """What is to be deleted, and how. Raises BadRequest, Invalid."""
    return on_terms(place, _from_query(query) if options is None else _checked(options))


def on_terms(place: Place, told: DeleteOptions, *, dry_run: bool = False) -> Deletion:
    """What is to be deleted, on the terms that are told. Raises BadRequest, Invalid."""
    return Deletion(
        place.resource.kind,
        place.namespace,
        place.name,
        uid=told.preconditions.uid,
        resource_version=told.preconditions.resourceVersion,
        grace_period_s=told.gracePeriodSeconds if told.HasField("gracePeriodSeconds") else None,
        propagation=_policy(told),
        dry_run=is_dry_run(told.dryRun) or dry_run,
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
        raise invalid_option("propagationPolicy", policy, _POLICIES)
    return Propagation(policy)
