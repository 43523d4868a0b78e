"""The paths that columns, selectable fields and scales are found at."""

from __future__ import annotations

from typing import Any

import pytest

from podlab.api.values import jsonpath

OBJECT: dict[str, Any] = {
    "metadata": {"name": "my", "annotations": {"example.com/a": "b"}},
    "spec": {"replicas": 3, "ports": [80, 443], "deep": {"name": "inner"}},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "True", "weight": 2},
            {"type": "Synced", "status": "False", "weight": 5},
        ]
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        ("{.spec.replicas}", [3]),
        ("spec.replicas", [3]),
        ("$.spec.replicas", [3]),
        (".spec.missing.further", []),
        (".spec.ports[0]", [80]),
        (".spec.ports[-1]", [443]),
        (".spec.ports[7]", []),
        (".spec.ports[*]", [80, 443]),
        (".spec.ports[0:1]", [80]),
        (r".metadata.annotations.example\.com/a", ["b"]),
        (".metadata.annotations['example.com/a']", ["b"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Synced')].status", ["False"]),
        (".status.conditions[?(@.weight>2)].type", ["Synced"]),
        (".status.conditions[?(@.weight)].type", ["Ready", "Synced"]),
        (".status.conditions[?(@.weight<'a')].type", []),
        ("..name", ["my", "inner"]),
        (".spec.deep.*", ["inner"]),
    ],
)
def test_a_path_leads_to_values(path: str, found: list[Any]) -> None:
    assert list(jsonpath.compiled(path)(OBJECT)) == found
    assert jsonpath.first(path, OBJECT) == (found[0] if found else None)


@pytest.mark.parametrize("path", [".spec[", ".a[?(b)]", ".a[?(@.b==c)]", ".a.[x]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"cannot understand|neither text"):
        jsonpath.compiled(path)
