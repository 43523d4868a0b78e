"""Kubernetes' own example of the order of versions."""

from __future__ import annotations

from podlab.api.values import versions


def test_stable_versions_come_first_and_then_the_greatest() -> None:
    ordered = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
    assert sorted(ordered, key=versions.priority, reverse=True) == ordered
