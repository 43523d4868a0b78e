"""The parameters of URLs. Pure."""

from __future__ import annotations

from collections.abc import Mapping

Parameter = dict[str, object]


def _query(name: str, kind: str, description: str) -> Parameter:
    schema = {"type": kind, "uniqueItems": True}
    if kind == "array":
        schema = {"type": "array", "items": {"type": "string"}}
    return {"in": "query", "name": name, "description": description, "schema": schema}


def path(name: str, description: str) -> Parameter:
    """A part of the address."""
    return {
        "in": "path",
        "name": name,
        "description": description,
        "required": True,
        "schema": {"type": "string", "uniqueItems": True},
    }


_DRY_RUN = _query("dryRun", "string", "All: everything is checked, and nothing is stored.")
_LABELS = _query("labelSelector", "string", "Only objects whose labels it takes: app=web,tier!=cache,zone in (a,b).")
_FIELDS = _query("fieldSelector", "string", "Only objects whose fields it takes: metadata.name=web.")
WRITING = (
    _DRY_RUN,
    _query(
        "fieldValidation",
        "string",
        "What becomes of fields that are unknown or said twice: Strict (refused), Warn (told; the default), Ignore.",
    ),
)
DELETING = (
    _DRY_RUN,
    _query("gracePeriodSeconds", "integer", "How long what runs may take to end; 0 is at once."),
    _query("orphanDependents", "boolean", "Superseded by propagationPolicy: true is Orphan, false is Background."),
    _query("propagationPolicy", "string", "What becomes of what the object owns: Background, Foreground or Orphan."),
)
SELECTING = (_LABELS, _FIELDS)
LISTING = (
    _query("allowWatchBookmarks", "boolean", "A watch also tells how far it has come, by BOOKMARK events."),
    _query("continue", "string", "The next page of a list: what the last page's metadata.continue says."),
    _FIELDS,
    _LABELS,
    _query("limit", "integer", "At most so many objects; metadata.continue leads to the rest."),
    _query("resourceVersion", "string", "How new the answer must be, or where the watch begins."),
    _query("resourceVersionMatch", "string", "How resourceVersion is meant: NotOlderThan or Exact."),
    _query("sendInitialEvents", "boolean", "A watch begins with all that is there, whose end a BOOKMARK marks."),
    _query("timeoutSeconds", "integer", "How long a watch lasts."),
    _query("watch", "boolean", "Changes as they happen, one line each, rather than a list."),
)
_CONTAINER = _query("container", "string", "The container; may be left out when the pod has one.")
_STREAMS = (
    _CONTAINER,
    _query("stderr", "boolean", "Send what is written to standard error."),
    _query("stdin", "boolean", "Take what is to be read from standard input."),
    _query("stdout", "boolean", "Send what is written to standard output."),
    _query("tty", "boolean", "Give it a terminal."),
)
OF_SUBRESOURCE: Mapping[str, tuple[Parameter, ...]] = {
    "log": (
        _CONTAINER,
        _query("follow", "boolean", "Go on as lines are written."),
        _query("limitBytes", "integer", "At most so many bytes."),
        _query("previous", "boolean", "Of the container's previous run."),
        _query("sinceSeconds", "integer", "Only what is younger."),
        _query("sinceTime", "string", "Only what is younger than this RFC 3339 time."),
        _query("tailLines", "integer", "Only so many lines from the end."),
        _query("timestamps", "boolean", "Each line begins with its time."),
    ),
    "attach": _STREAMS,
    "exec": (_query("command", "array", "The command and its arguments, one parameter each."), *_STREAMS),
    "proxy": (_query("path", "string", "The path that the server is asked for."),),
    "portforward": (_query("ports", "integer", "The port of the pod."),),
}
