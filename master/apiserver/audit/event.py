"""A line of the audit log: Kubernetes' audit.k8s.io/v1 Event. Pure.

Every audited request renders one, so parts that many lines share are rendered once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from master.apiserver.audit.policy import API_VERSION, Level, Stage, is_confidential
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.request.info import Exchange
from podlab.api.kinds import GroupResource
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog

_PATCHES = "patch.webhook.admission.k8s.io/"
_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"


def line(
    exchange: Exchange,
    level: Level,
    stage: Stage,
    received_at: float,
    at: float,
    sent: bytes,
    answered: bytes,
    *,
    catalog: Catalog | None = None,
) -> bytes:
    """The line for a request that has reached the stage. `sent` and `answered` are JSON, or empty."""
    info = exchange.info
    impersonated = info.user if exchange.impersonated else None
    event: dict[str, object] = {"auditID": info.audit_id, "requestURI": info.uri}
    if info.about_objects:
        event["objectRef"] = _object(info.wanted[0], _version(info.wanted[0], catalog), exchange.name)
    if stage is not Stage.RECEIVED:
        event["responseStatus"] = _success(exchange.code) if exchange.error is None else _failure(exchange)
    for field, body in (("requestObject", sent), ("responseObject", answered)):
        if body:
            event[field] = orjson.Fragment(body)
    event["requestReceivedTimestamp"] = _time(received_at)
    event["stageTimestamp"] = _time(at)
    if exchange.decision:
        noted = _fitting(exchange.annotations, level)
        event["annotations"] = {_DECISION: exchange.decision, _REASON: exchange.reason, **noted}
    head = _head(level, stage, info.verb, info.caller, impersonated, info.source, info.user_agent)
    return b"%b,%b\n" % (head, _json(event)[1:])


def _fitting(annotations: Mapping[str, str], level: Level) -> Mapping[str, str]:
    """Patches of webhooks say what was sent: they are told where that is."""
    if level >= Level.REQUEST or not annotations:
        return annotations
    return {key: value for key, value in annotations.items() if not key.startswith(_PATCHES)}


@lru_cache(maxsize=256)  # a client may say 8 KiB of itself
def _head(
    level: Level, stage: Stage, verb: str, caller: User, impersonated: User | None, source: str, user_agent: str
) -> bytes:
    """What many lines begin with: an object that is not closed yet."""
    head: dict[str, object] = {
        "kind": "Event",
        "apiVersion": API_VERSION,
        "level": level.kubernetes_name,
        "stage": stage.value,
        "verb": verb,
        "user": _user(caller),
    }
    if impersonated is not None:
        head["impersonatedUser"] = _user(impersonated)
    if source:
        head["sourceIPs"] = [source]
    if user_agent:
        head["userAgent"] = user_agent
    return _json(head)[:-1]


def _user(user: User) -> dict[str, object]:
    shown: dict[str, object] = {}
    if user.name:
        shown["username"] = user.name
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = sorted(user.groups)
    if user.extra:
        shown["extra"] = {key: list(values) for key, values in user.extra.items()}
    return shown


def _version(wanted: Attributes, catalog: Catalog | None) -> str:
    """That of the kind that a request is about."""
    kind = (catalog or builtin.catalog()).of_group_resource(GroupResource(wanted.group, wanted.resource))
    return kind.version if kind is not None else "v1"


def _object(wanted: Attributes, version: str, made: str) -> dict[str, str]:
    reference = {"resource": wanted.resource}
    if wanted.namespace:
        reference["namespace"] = wanted.namespace
    if name := wanted.name or made:
        reference["name"] = name
    if wanted.group:
        reference["apiGroup"] = wanted.group
    reference["apiVersion"] = version
    if wanted.subresource:
        reference["subresource"] = wanted.subresource
    return reference


@lru_cache(maxsize=64)
def _success(code: int) -> orjson.Fragment:
    return orjson.Fragment(_json({"metadata": {}, "code": code}))


def _failure(exchange: Exchange) -> dict[str, object]:
    assert exchange.error is not None
    status: dict[str, object] = {"metadata": {}, "code": exchange.code, "status": "Failure"}
    status["reason"] = exchange.error.reason
    if not is_confidential(exchange.info):  # a refusal may quote what it refuses
        status["message"] = exchange.error.message
    return status


def _json(value: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # a client's headers need not be UTF-8
        return orjson.dumps(_legible(value))


def _legible(value: object) -> object:
    """The value with U+FFFD in place of what is not UTF-8, as Kubernetes writes it."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")
    if isinstance(value, Mapping):
        return {_legible(key): _legible(inner) for key, inner in value.items()}
    return [_legible(inner) for inner in value] if isinstance(value, list) else value


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
