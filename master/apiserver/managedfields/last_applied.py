"""From client-side apply to server-side apply: what its annotation says was applied is no conflict for kubectl.

kubectl's older releases apply on the server as the manager `kubectl`; newer ones name themselves otherwise, and carry
ownership over by a patch of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from podlab.api.selection.labels import LAST_APPLIED
from podlab.api.values.jsonvalues import Json
from podlab.apply.comparison import compare
from podlab.apply.conflicts import Conflicts
from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.fields import fields_of
from podlab.apply.ownership import Writing
from podlab.apply.structure import Unidentified

_MANAGER = "kubectl"


def remaining(conflicts: Conflicts, live: Mapping[str, Json], manager: str, writing: Writing) -> Conflicts | None:
    """Those that are about fields which client-side apply did not write; None when there are none left."""
    if manager != _MANAGER:
        return conflicts
    allowed = _as_applied(live, writing)
    left = tuple(one for one in conflicts.found if one.at not in allowed)
    return Conflicts(left) if left else None


def renew(new: dict[str, Json], config: Mapping[str, Json], manager: str) -> None:
    """Keep the annotation as client-side apply would have, where it is there."""
    annotations = _annotations(new)
    if manager != _MANAGER or not annotations.get(LAST_APPLIED):
        return
    metadata = config.get("metadata")
    told = dict(metadata) if isinstance(metadata, dict) else {}
    if isinstance(told.get("annotations"), dict):
        told["annotations"] = {name: one for name, one in told["annotations"].items() if name != LAST_APPLIED}
    text = orjson.dumps({**config, "metadata": told}, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    new["metadata"] = {**new["metadata"], "annotations": {**annotations, LAST_APPLIED: text.decode()}}


def _annotations(value: Mapping[str, Json]) -> dict[str, Json]:
    metadata = value.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _as_applied(live: Mapping[str, Json], writing: Writing) -> FieldSet:
    """Fields that are still as client-side apply wrote them."""
    try:
        config = orjson.loads(_annotations(live).get(LAST_APPLIED) or "null")
        if not isinstance(config, dict) or config.get("apiVersion") != writing.api_version:
            return EMPTY
        shape = writing.versions.shape(writing.api_version)
        found = compare(config, live, shape)
        return fields_of(config, shape) - found.written - found.removed
    except (Unidentified, ValueError):
        return EMPTY
