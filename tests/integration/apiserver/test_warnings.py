"""What admission warns of reaches clients of gRPC: of who is let through, and of who is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import ADMIN, Cluster

from podlab.api.warnings import ITEM_CHARS, TOTAL_CHARS, bounded, from_metadata, to_metadata
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.errors import Invalid
from podlab.meta.v1 import meta_pb2

API = "admissionregistration.k8s.io/v1"
TOLD = "Validation failed for ValidatingAdmissionPolicy 'p' with binding '{}': ünd so weiter"


@pytest.fixture
def warned() -> list[str]:
    return []


@pytest.fixture
async def admin(cluster: Cluster, warned: list[str]) -> AsyncIterator[Client]:
    async with Client(cluster.server, cluster.authority.tls(ADMIN), warned=warned.append) as client:
        yield client


async def _put_in_force(admin: Client, **bindings: str) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "ours", "expression": "request.namespace == 'default'"}],
        "validations": [{"expression": "false", "message": "ünd so weiter"}],
    }
    policy = {"apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": spec}
    await admin.create(builtin_kinds.read(policy))
    for name, action in bindings.items():
        binding = {"metadata": {"name": name}, "spec": {"policyName": "p", "validationActions": [action]}}
        kind = {"apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding"}
        await admin.create(builtin_kinds.read({**kind, **binding}))


async def test_a_write_is_warned_of(admin: Client, warned: list[str]) -> None:
    await _put_in_force(admin, warns="Warn")
    made = await admin.create(ConfigMap(metadata=meta_pb2.ObjectMeta(name="a", namespace="default")))
    made.data["a"] = "b"
    await admin.update(made)
    assert warned == [TOLD.format("warns")] * 2
    await admin.get(ConfigMap, "a", "default")
    assert len(warned) == 2


async def test_a_refused_write_is_warned_of(admin: Client, warned: list[str]) -> None:
    await _put_in_force(admin, refuses="Deny", warns="Warn")
    with pytest.raises(Invalid, match="with binding 'refuses' denied request"):
        await admin.create(ConfigMap(metadata=meta_pb2.ObjectMeta(name="a", namespace="default")))
    assert warned == [TOLD.format("warns")]


def test_warnings_are_bounded_and_told_once() -> None:
    assert list(bounded(["a", "b", "a"])) == ["a", "b"]
    many = [f"{number:03}{'x' * ITEM_CHARS}" for number in range(100)]
    assert list(bounded(many)) == [one[:ITEM_CHARS] for one in many[: TOTAL_CHARS // ITEM_CHARS]]
    assert from_metadata((("other", "x"), *to_metadata(["ü", "b"]))) == ["ü", "b"]
