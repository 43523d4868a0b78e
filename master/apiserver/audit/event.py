"""A line of the audit log: Kubernetes' audit.k8s.io/v1 Event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from master.apiserver.audit.policy import API_VERSION, Level, Stage, is_confidential
from master.apiserver.identity import User
from master.apiserver.passage import Asked
from podlab.api import kinds
from podlab.errors import ApiError

_VERSIONS = {(kind.group, kind.plural): kind.version for kind in reversed(kinds.SERVED)}
_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"


@dataclass(frozen=True, slots=True)
class Record:
    """What is written of one stage of a request, before it is rendered. `sent` and `answered` are JSON, or nothing."""

    asked: Asked
    level: Level
    stage: Stage
    received_at: float
    at: float
    code: int = 0
    error: ApiError | None = None
    decision: str = ""
    reason: str = ""
    impersonated: bool = False
    name: str = ""
    sent: bytes = b""
    answered: bytes = b""

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""
        return 1024 + len(self.sent) + len(self.answered)


def line(record: Record) -> bytes:
    """The event as JSON, with its end of line."""
    event = _event(record)
    try:
        return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a client's headers need not be UTF-8
        return orjson.dumps(_legible(event), option=orjson.OPT_APPEND_NEWLINE)


def _legible(value: Any) -> Any:
    """With U+FFFD for what is no UTF-8, as Kubernetes writes it."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")
    if isinstance(value, Mapping):
        return {_legible(key): _legible(inner) for key, inner in value.items()}
    return [_legible(inner) for inner in value] if isinstance(value, list) else value


def _event(record: Record) -> dict[str, Any]:
    asked = record.asked
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": API_VERSION,
        "level": record.level.told,
        "auditID": asked.audit_id,
        "stage": record.stage.value,
        "requestURI": asked.uri,
        "verb": asked.verb,
        "user": _user(asked.caller),
    }
    if record.impersonated:
        event["impersonatedUser"] = _user(asked.user)
    if asked.source:
        event["sourceIPs"] = [asked.source]
    if asked.user_agent:
        event["userAgent"] = asked.user_agent
    if asked.about_objects:
        event["objectRef"] = _object(record)
    if record.code:
        event["responseStatus"] = _status(record)
    for field, body in (("requestObject", record.sent), ("responseObject", record.answered)):
        if body:
            event[field] = orjson.Fragment(body)
    event["requestReceivedTimestamp"] = _time(record.received_at)
    event["stageTimestamp"] = _time(record.at)
    if record.decision:
        event["annotations"] = {_DECISION: record.decision, _REASON: record.reason}
    return event


def _user(user: User) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if user.name:
        shown["username"] = user.name
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = sorted(user.groups)
    if user.extra:
        shown["extra"] = {key: list(values) for key, values in user.extra.items()}
    return shown


def _object(record: Record) -> Mapping[str, str]:
    wanted = record.asked.wanted[0]
    reference = {
        "resource": wanted.resource,
        "namespace": wanted.namespace,
        "name": wanted.name or record.name,
        "apiGroup": wanted.group,
        "apiVersion": _VERSIONS.get((wanted.group, wanted.resource), "v1"),
        "subresource": wanted.subresource,
    }
    return {field: value for field, value in reference.items() if value}


def _status(record: Record) -> dict[str, Any]:
    status: dict[str, Any] = {"metadata": {}, "code": record.code}
    if record.error is not None:
        status |= {"status": "Failure", "reason": record.error.reason}
        if not is_confidential(record.asked):  # a refusal may quote what it refuses
            status["message"] = record.error.message
    return status


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
