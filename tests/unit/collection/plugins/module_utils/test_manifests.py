from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import COLLECTION, load

manifests = load("manifests", COLLECTION)


def made(kind: str, name: str = "x", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more}


def test_a_folder_s_files_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: second}\n---\n---\n")
    (tmp_path / "a.json").write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "first"}}')
    (tmp_path / "notes.txt").write_text("none")
    assert [each["metadata"]["name"] for each in manifests.read(tmp_path)] == ["first", "second"]


def test_a_list_is_what_is_in_it() -> None:
    assert manifests.given({"apiVersion": "v1", "kind": "List", "items": [made("Pod")]}) == [made("Pod")]


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("a: [", "definition: "),
        ("just words", "expected an object with apiVersion and kind, found just words"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "the Pod has no metadata.name"),
    ],
)
def test_what_is_no_object_is_refused(definition: object, said: str) -> None:
    with pytest.raises(manifests.ManifestError, match=said):
        manifests.given(definition)


def test_an_empty_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(manifests.ManifestError, match="there is no file"):
        manifests.read(tmp_path)


def test_namespaces_and_kinds_come_before_what_needs_them() -> None:
    kinds = ["Deployment", "Secret", "CustomResourceDefinition", "Service", "Namespace"]
    ordered = [each["kind"] for each in manifests.in_order([made(kind) for kind in kinds])]
    assert ordered == ["Namespace", "CustomResourceDefinition", "Secret", "Deployment", "Service"]


def test_an_object_is_the_same_whatever_the_server_counts() -> None:
    one = made("Pod", spec={"a": 1})
    other = made("Pod", spec={"a": 1}, status={"phase": "Running"})
    other["metadata"].update(resourceVersion="7", managedFields=[{}], uid="u", generation=2, creationTimestamp="now")
    assert manifests.comparable(one) == manifests.comparable(other)
    assert manifests.comparable(None) == {}


def deployment(**status: int) -> dict[str, Any]:
    found = made("Deployment", spec={"replicas": 2}, status=status)
    found["metadata"]["generation"] = 3
    return found


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (deployment(observedGeneration=2), "its controller has not seen it yet"),
        (deployment(observedGeneration=3, replicas=2, updatedReplicas=2, readyReplicas=1), "1 of 2 pods are ready"),
        (deployment(observedGeneration=3, replicas=3, updatedReplicas=2, readyReplicas=2), "2 of 2 pods are ready"),
        (deployment(observedGeneration=3, replicas=2, updatedReplicas=2, readyReplicas=2), ""),
        (made("DaemonSet", status={"desiredNumberScheduled": 1}), "0 of 1 pods are ready"),
        (made("DaemonSet", status={"desiredNumberScheduled": 0}), ""),
        (made("Pod", status={}), "its condition Ready is not there"),
        (made("Pod", status={"phase": "Succeeded"}), ""),
        (made("Job", status={"conditions": [{"type": "Complete", "status": "True"}]}), ""),
        (made("ConfigMap"), ""),
    ],
)
def test_workloads_are_awaited(found: dict[str, Any], why: str) -> None:
    assert manifests.not_ready(found) == why
