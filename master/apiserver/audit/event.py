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
    event = _request(exchange, level, stage, catalog)
    if stage is not Stage.RECEIVED:
        event["responseStatus"] = _status(exchange)
    for field, body in (("requestObject", sent), ("responseObject", answered)):
        if body:
            event[field] = orjson.Fragment(body)
    event["requestReceivedTimestamp"] = _time(received_at)
    event["stageTimestamp"] = _time(at)
    if exchange.decision:
        event["annotations"] = {_DECISION: exchange.decision, _REASON: exchange.reason, **exchange.annotations}
    return _json(event) + b"\n"


def _request(exchange: Exchange, level: Level, stage: Stage, catalog: Catalog | None) -> dict[str, object]:
    """Who asks for what: the fields that do not depend on the answer."""
    info = exchange.info
    event: dict[str, object] = {
        "kind": "Event",
        "apiVersion": API_VERSION,
        "level": level.kubernetes_name,
        "auditID": info.audit_id,
        "stage": stage.value,
        "requestURI": info.uri,
        "verb": info.verb,
        "user": _user(info.caller),
    }
    if exchange.impersonated:
        event["impersonatedUser"] = _user(info.user)
    if info.source:
        event["sourceIPs"] = [info.source]
    if info.user_agent:
        event["userAgent"] = info.user_agent
    if info.about_objects:
        event["objectRef"] = _object(info.wanted[0], _version(info.wanted[0], catalog), exchange.name)
    return event


@lru_cache(maxsize=1024)
def _user(user: User) -> orjson.Fragment:
    shown: dict[str, object] = {}
    if user.name:
        shown["username"] = user.name
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = sorted(user.groups)
    if user.extra:
        shown["extra"] = {key: list(values) for key, values in user.extra.items()}
    return orjson.Fragment(_json(shown))


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


def _status(exchange: Exchange) -> dict[str, object]:
    status: dict[str, object] = {"metadata": {}, "code": exchange.code}
    if exchange.error is not None:
        status |= {"status": "Failure", "reason": exchange.error.reason}
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
