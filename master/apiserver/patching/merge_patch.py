"""JSON merge patch, RFC 7386: objects are merged, null removes, all else replaces."""

from __future__ import annotations

from podlab.api.values.jsonvalues import Json


def merge_patch(document: Json, patch: Json) -> Json:
    """The document with the patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
