"""The documents hold together, for every kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from master.apiserver.openapi import documents, models, protobuf, swagger
from master.apiserver.rest.content.openapi_documents import descriptions
from podlab.api.serializer.encoding import is_alternative
from podlab.api.serializer.scalars import SCALARS
from podlab.apiextensions.v1 import jsonschema_pb2
from podlab.foreign.openapi.v2 import openapi_pb2
from podlab.kinds import builtin

Document = dict[str, Any]


@pytest.fixture(scope="module")
def v3() -> dict[str, Document]:
    return documents.all_of_v3(builtin.catalog(), descriptions(), "v1.36.0")


def schema(v3: dict[str, Document], place: str, name: str) -> Any:
    return v3[place]["components"]["schemas"][name]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_reference_leads_somewhere(v3: dict[str, Document]) -> None:
    for place, document in v3.items():
        known = {models.REF + name for name in document["components"]["schemas"]}
        assert set(references(document)) <= known, place


def test_operations_have_names_of_their_own(v3: dict[str, Document]) -> None:
    operations = [
        operation["operationId"]
        for document in v3.values()
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(operations) == len(set(operations))
    assert {"listCoreV1NamespacedPod", "patchAppsV1NamespacedDeploymentScale", "readCoreV1NamespacedPodLog"} <= {
        *operations
    }


def test_a_pod_is_described_as_kubernetes_does(v3: dict[str, Document]) -> None:
    spec = schema(v3, "api/v1", "io.k8s.api.core.v1.PodSpec")
    assert spec["required"] == ["containers"]
    assert spec["properties"]["containers"] | {"description": ""} == {
        "type": "array",
        "description": "",
        "items": {"allOf": [{"$ref": models.REF + "io.k8s.api.core.v1.Container"}]},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-patch-merge-key": "name",
        "x-kubernetes-patch-strategy": "merge",
    }
    probe = schema(v3, "api/v1", "io.k8s.api.core.v1.Probe")
    assert {"httpGet", "periodSeconds"} <= probe["properties"].keys()
    ports = schema(v3, "api/v1", "io.k8s.api.core.v1.Container")["properties"]["ports"]
    assert ports["x-kubernetes-list-map-keys"] == ["containerPort", "protocol"]


def test_every_scalar_of_json_has_a_schema() -> None:
    alternatives = {
        one.full_name for one in jsonschema_pb2.DESCRIPTOR.message_types_by_name.values() if is_alternative(one)
    }
    assert models.SCALARS.keys() == SCALARS.keys() | alternatives


def test_what_is_said_of_fields_is_published(v3: dict[str, Document]) -> None:
    pod = schema(v3, "api/v1", "io.k8s.api.core.v1.PodSpec")["properties"]
    assert pod["volumes"]["x-kubernetes-patch-strategy"] == "merge,retainKeys"
    assert pod["tolerations"]["x-kubernetes-list-type"] == "atomic"
    assert pod["nodeSelector"]["x-kubernetes-map-type"] == "atomic"
    assert pod["restartPolicy"]["enum"] == ["Always", "Never", "OnFailure"]
    assert schema(v3, "api/v1", "io.k8s.api.core.v1.ContainerPort")["properties"]["protocol"]["default"] == "TCP"
    assert schema(v3, "api/v1", "io.k8s.api.core.v1.ObjectReference")["x-kubernetes-map-type"] == "atomic"
    claim = schema(v3, "api/v1", "io.k8s.api.core.v1.PersistentVolumeSpec")["properties"]["claimRef"]
    assert claim["x-kubernetes-map-type"] == "granular"
    conditions = schema(v3, "apis/batch/v1", "io.k8s.api.batch.v1.JobStatus")["properties"]["conditions"]
    assert "x-kubernetes-list-map-keys" not in conditions
    assert conditions["x-kubernetes-patch-merge-key"] == "type"
    budget = schema(v3, "apis/policy/v1", "io.k8s.api.policy.v1.PodDisruptionBudgetSpec")["properties"]
    assert budget["selector"]["x-kubernetes-patch-strategy"] == "replace"
    deployment = schema(v3, "apis/apps/v1", "io.k8s.api.apps.v1.DeploymentSpec")
    assert deployment["required"] == ["selector", "template"]
    assert deployment["properties"]["strategy"]["x-kubernetes-patch-strategy"] == "retainKeys"


def test_every_field_is_described_by_its_comment(v3: dict[str, Document]) -> None:
    volume = schema(v3, "api/v1", "io.k8s.api.core.v1.Volume")["properties"]
    assert volume["emptyDir"]["description"] == descriptions()["podlab.core.v1.VolumeSource.emptyDir"]


def test_v2_says_the_same_with_references_of_its_own(v3: dict[str, Document]) -> None:
    document = swagger.document(v3.values())
    known = {f"#/definitions/{name}" for name in document["definitions"]}
    assert set(references(document)) <= known
    assert len(document["paths"]) == sum(len(one["paths"]) for one in v3.values())
    binary = openapi_pb2.Document.FromString(protobuf.encoded(document))
    pod = next(one.value for one in binary.definitions.additional_properties if one.name.endswith("core.v1.Pod"))
    properties = {one.name: one.value for one in pod.properties.additional_properties}
    assert properties["spec"]._ref == "#/definitions/io.k8s.api.core.v1.PodSpec"


def test_whatever_patches_a_kind_validates_fields(v3: dict[str, Document]) -> None:
    """kubectl looks at any PATCH of a kind to know whether the server does; where not, it would do so itself."""
    for place, document in v3.items():
        for path, item in document["paths"].items():
            if "patch" not in item or item["patch"]["x-kubernetes-action"] == "connect":
                continue
            assert "fieldValidation" in {one["name"] for one in item["patch"]["parameters"]}, f"{place} {path}"
    patched = {
        (operation["x-kubernetes-group-version-kind"]["kind"], operation["x-kubernetes-action"])
        for document in v3.values()
        for item in document["paths"].values()
        if (operation := item.get("patch")) is not None
    }
    connected = {kind for kind, action in patched if action == "connect"}
    assert connected == {"PodProxyOptions", "ServiceProxyOptions", "NodeProxyOptions"}
