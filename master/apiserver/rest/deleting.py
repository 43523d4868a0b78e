"""DeleteOptions, from a body or a query, as the registry takes them. Pure."""

from __future__ import annotations

from typing import Any

from master.apiserver.rest.paths import Place
from master.apiserver.rest.query import Query, invalid_option, is_dry_run
from podlab.errors import BadRequest
from podlab.v1 import apiserver_pb2 as pb

_POLICIES: dict[str, pb.PropagationPolicy.ValueType] = {
    "": pb.PROPAGATION_POLICY_UNSPECIFIED,
    "Background": pb.PROPAGATION_POLICY_BACKGROUND,
    "Foreground": pb.PROPAGATION_POLICY_FOREGROUND,
    "Orphan": pb.PROPAGATION_POLICY_ORPHAN,
}
_TYPES: dict[str, tuple[type, str]] = {
    "gracePeriodSeconds": (int, "a whole number"),
    "propagationPolicy": (str, "a string"),
    "preconditions": (dict, "an object"),
    "dryRun": (list, "a list"),
    "orphanDependents": (bool, "a boolean"),
}
_OF_EVERY_KIND = frozenset({"kind", "apiVersion", "ignoreStoreReadErrorWithClusterBreakingPotential"})


def request(place: Place, options: Any, query: Query) -> pb.DeleteRequest:
    """What is to be deleted, and how. Raises BadRequest, Invalid."""
    told = _from_query(query) if options is None else _checked(options)
    wanted = pb.DeleteRequest(
        kind=place.kind.name,
        namespace=place.namespace,
        name=place.name,
        propagation_policy=_policy(told),
        dry_run=is_dry_run([str(stage) for stage in told.get("dryRun") or ()]),
    )
    if told.get("gracePeriodSeconds") is not None:
        wanted.grace_period_seconds = told["gracePeriodSeconds"]
    for name, value in (told.get("preconditions") or {}).items():
        if name not in ("uid", "resourceVersion") or not isinstance(value, str | None):
            raise BadRequest(f"preconditions.{name}: {value!r}: known are uid and resourceVersion, strings")
        setattr(wanted, "uid" if name == "uid" else "resource_version", value or "")
    return wanted


def _from_query(query: Query) -> dict[str, Any]:
    told: dict[str, Any] = {"gracePeriodSeconds": query.number("gracePeriodSeconds")}
    if policy := query.text("propagationPolicy"):
        told["propagationPolicy"] = policy
    if "orphanDependents" in query.values:
        told["orphanDependents"] = query.flag("orphanDependents")
    if stage := query.text("dryRun"):
        told["dryRun"] = [stage]
    return told


def _checked(options: Any) -> dict[str, Any]:
    if not isinstance(options, dict):
        raise BadRequest("the body of a delete must be DeleteOptions, an object")
    if options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"the body of a delete must be DeleteOptions, found kind {options['kind']!r}")
    for name, value in options.items():
        if name in _OF_EVERY_KIND or value is None:
            continue
        if name not in _TYPES:
            raise BadRequest(f'DeleteOptions: unknown field "{name}"')
        wanted, words = _TYPES[name]
        if type(value) is not wanted:
            raise BadRequest(f"DeleteOptions: {name}: expected {words}, found {value!r}")
    grace = options.get("gracePeriodSeconds")
    if grace is not None and not -(2**63) <= grace < 2**63:
        raise BadRequest(f"DeleteOptions: gracePeriodSeconds: {grace} is not a 64-bit integer")
    return options


def _policy(told: dict[str, Any]) -> pb.PropagationPolicy.ValueType:
    policy, orphan = told.get("propagationPolicy") or "", told.get("orphanDependents")
    if orphan is not None and policy:
        raise BadRequest("DeleteOptions: orphanDependents and propagationPolicy cannot be both set")
    if orphan is not None:
        return pb.PROPAGATION_POLICY_ORPHAN if orphan else pb.PROPAGATION_POLICY_BACKGROUND
    if policy not in _POLICIES:
        raise invalid_option("propagationPolicy", policy, tuple(name for name in _POLICIES if name))
    return _POLICIES[policy]
