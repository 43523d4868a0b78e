"""What lists and watches may ask for together, as Kubernetes' ListOptions. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from collections.abc import Iterator

from master.apiserver.request.query import Query, invalid_option
from podlab.errors import BadRequest, Cause, Invalid

EXACT, NOT_OLDER = "Exact", "NotOlderThan"
_MATCH = "resourceVersionMatch"


def check(query: Query, *, watch: bool) -> None:
    """Raises BadRequest for what is no number, Invalid for what does not go together."""
    for name in ("limit", "timeoutSeconds"):
        query.number(name)
    match = query.text(_MATCH)
    if causes := list(_of_watch(query, match) if watch else _of_list(query, match)):
        raise Invalid.of("ListOptions.meta.k8s.io", "", causes)
    known = (NOT_OLDER,) if watch else (EXACT, NOT_OLDER)
    if match and match not in known:
        raise invalid_option(_MATCH, match, known, of="ListOptions")


def revision(query: Query) -> str:
    """The resourceVersion that is asked for; empty for none, which is what 0 says. Raises BadRequest."""
    text = query.text("resourceVersion")
    if text and not (text.isascii() and text.isdecimal()):
        raise BadRequest(f"resourceVersion: {text!r} is not one that this server gave; list again")
    return "" if text == "0" else text


def initial_events(query: Query) -> bool | None:
    """What sendInitialEvents asks for; None when it is absent."""
    return query.flag("sendInitialEvents") if "sendInitialEvents" in query.values else None


def _of_list(query: Query, match: str) -> Iterator[Cause]:
    if match and not query.text("resourceVersion"):
        yield _forbidden(_MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match and query.text("continue"):
        yield _forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided")
    if match == EXACT and query.text("resourceVersion") == "0":
        yield _forbidden(_MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if initial_events(query) is not None:
        yield _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _of_watch(query: Query, match: str) -> Iterator[Cause]:
    initial = initial_events(query)
    if initial is not None and match != NOT_OLDER:
        yield _forbidden(_MATCH, f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}")
    if match and initial is None:
        yield _forbidden(_MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    if match and query.text("continue"):
        yield _forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided")
    if initial and not query.flag("allowWatchBookmarks"):
        yield _forbidden("sendInitialEvents", "it requires allowWatchBookmarks: its end is told by a bookmark")


def _forbidden(field: str, why: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")
