"""The ways of pods as values for programs. Pure."""

from __future__ import annotations

from podlab.api.values.jsonvalues import Json
from podlab.spans import otlp
from podlab.spans.way import Share, Way, shares, with_waits

_MS = 1_000_000


def document(target: str, ways: dict[str, Way]) -> Json:
    """Times are milliseconds; those `at` are counted from the pod's first step, which `began_ns` tells since 1970."""
    return {"target": target, "pods": [_pod(name, each) for name, each in ways.items()]}


def _pod(name: str, found: Way) -> Json:
    parts = shares(found)
    return {
        "name": name,
        "uid": found.uid,
        "trace_id": otlp.trace_id(found.uid).hex(),
        "callers": list(found.callers),
        "began_ns": found.began_ns,
        "ready_ms": _since(found, found.ready_ns),
        "reached_ms": _since(found, found.reached_ns),
        "slowest": _part(found, parts[0]) if parts else None,
        "steps": [_part(found, each) for each in with_waits(found, 1)],
        "clocks": [
            {"where": each.where, "skew_ms": each.skew_ns / _MS, "error_ms": each.error_ns / _MS, "moved": each.differs}
            for each in found.clocks
        ],
        "unanswered": [{"where": where, "error": why} for where, why in found.unanswered],
    }


def _part(found: Way, share: Share) -> Json:
    step = share.step
    return {
        "step": share.title,
        "name": "wait" if share.is_wait else step.name,
        "component": step.component,
        "node": step.node,
        "detail": step.detail,
        "owner": step.owner,
        "at_ms": (share.began_ns - found.began_ns) / _MS,
        "took_ms": share.took_ns / _MS,
        "alone_ms": share.own_ns / _MS,
        "exact": step.exact,
    }


def _since(found: Way, when_ns: int | None) -> Json:
    return None if when_ns is None else (when_ns - found.began_ns) / _MS
