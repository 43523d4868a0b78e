"""kubectl apply, diff and kustomize."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import deployment, service
from podlab_testing.kubectl import Kubectl

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def config(name: str, data: dict[str, str], **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def text(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects)


@pytest.fixture
def folder(kubectl: Kubectl, tmp_path: Path) -> Path:
    """A directory of manifests."""
    (tmp_path / "one.yaml").write_text(text(config("one", {"a": "1"}, app="x")))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "two.json").write_text(json.dumps(config("two", {"a": "2"}, app="x")))
    (tmp_path / "notes.txt").write_text("not a manifest")
    return tmp_path


def test_directories_are_applied_again_and_again(kubectl: Kubectl, folder: Path) -> None:
    assert kubectl.out("apply", "-f", str(folder)) == "configmap/one created"
    told = kubectl.out("apply", "-R", "-f", str(folder)).splitlines()
    assert sorted(told) == ["configmap/one unchanged", "configmap/two created"]
    (folder / "one.yaml").write_text(text(config("one", {"a": "9"}, app="x")))
    assert kubectl.out("apply", "-f", str(folder / "one.yaml")) == "configmap/one configured"
    assert kubectl.json("get", "cm", "one")["data"] == {"a": "9"}


def test_what_is_left_out_goes_and_what_others_wrote_stays(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=text(config("c", {"a": "1", "b": "2"}, app="x")))
    kubectl("patch", "cm", "c", "-p", '{"data":{"theirs":"yes"}}')
    kubectl("apply", "-f", "-", stdin=text(config("c", {"b": "3"})))
    found = kubectl.json("get", "cm", "c")
    assert found["data"] == {"b": "3", "theirs": "yes"}
    assert "labels" not in found["metadata"]
    assert json.loads(found["metadata"]["annotations"][LAST_APPLIED])["data"] == {"b": "3"}


def test_the_last_applied_configuration_is_shown_set_and_edited(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=1")
    done = kubectl("apply", "-f", "-", stdin=text(config("c", {"a": "1"})))
    assert f"is missing the {LAST_APPLIED} annotation" in done.stderr
    shown = yaml.safe_load(kubectl.out("apply", "view-last-applied", "cm/c"))
    assert (shown["kind"], shown["data"]) == ("ConfigMap", {"a": "1"})
    path = kubectl.home / "set.yaml"
    path.write_text(text(config("c", {"a": "1", "b": "2"})))
    assert kubectl.out("apply", "set-last-applied", "-f", path.name) == "configmap/c configured"
    assert yaml.safe_load(kubectl.out("apply", "view-last-applied", "cm/c"))["data"] == {"a": "1", "b": "2"}
    editor = kubectl.home / "editor-of-last-applied"
    editor.write_text('#!/bin/sh\nsed -i \'s/b: "2"/b: "5"/\' $1\n')
    editor.chmod(0o755)
    kubectl.with_environment(KUBE_EDITOR=str(editor))("apply", "edit-last-applied", "cm/c")
    assert kubectl.json("get", "cm", "c")["data"] == {"a": "1"}, "only the annotation has changed"
    assert yaml.safe_load(kubectl.out("apply", "view-last-applied", "cm/c"))["data"] == {"a": "1", "b": "5"}


def test_dry_runs_change_nothing(kubectl: Kubectl) -> None:
    manifest = deployment("web", 0)
    assert (
        kubectl.out("apply", "--dry-run=client", "-f", "-", stdin=manifest) == "deployment.apps/web created (dry run)"
    )
    tried = json.loads(kubectl.out("apply", "--dry-run=server", "-f", "-", "-o", "json", stdin=manifest))
    assert tried["spec"]["revisionHistoryLimit"] == 10
    assert kubectl.refused("get", "deploy", "web").endswith('"web" not found')
    kubectl("apply", "-f", "-", stdin=manifest)
    assert kubectl.out("apply", "--dry-run=server", "-f", "-", stdin=deployment("web", 1)) == (
        "deployment.apps/web configured (server dry run)"
    )
    assert kubectl.json("get", "deploy", "web")["spec"]["replicas"] == 0


def test_a_change_that_cannot_be_says_so_and_force_makes_the_object_anew(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=deployment("web", 0))
    before = kubectl.json("get", "deploy", "web")["metadata"]["uid"]
    other = deployment("web", 0).replace("app: web", "app: other")
    assert "spec.selector" in (told := kubectl.refused("apply", "-f", "-", stdin=other))
    assert "field is immutable" in told
    assert kubectl.out("apply", "--force", "-f", "-", stdin=other) == "deployment.apps/web configured"
    assert kubectl.json("get", "deploy", "web")["metadata"]["uid"] != before


def test_prune_removes_what_was_applied_and_is_gone_from_the_manifests(kubectl: Kubectl) -> None:
    both = text(config("one", {"a": "1"}, app="x"), config("two", {"a": "2"}, app="x"))
    kubectl(
        "apply", "-f", "-", stdin=both + "---\n" + service("web").replace("name: web", "name: web\n  labels: {app: x}")
    )
    kubectl("create", "configmap", "theirs")
    kubectl("label", "cm", "theirs", "app=x")
    told = kubectl.out("apply", "--prune", "-l", "app=x", "-f", "-", stdin=text(config("one", {"a": "1"}, app="x")))
    assert sorted(told.splitlines()) == ["configmap/one unchanged", "configmap/two pruned", "service/web pruned"]
    left = kubectl.out("get", "cm,svc", "-l", "app=x", "-o", "name").splitlines()
    assert left == ["configmap/one", "configmap/theirs"], "what nobody applied stays"


def test_prune_of_chosen_kinds(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=text(config("one", {"a": "1"}, app="x"), config("two", {"a": "2"}, app="x")))
    chosen = ("--prune", "-l", "app=x", "--prune-allowlist=core/v1/ConfigMap")
    told = kubectl.out("apply", *chosen, "-f", "-", stdin=text(config("two", {"a": "2"}, app="x")))
    assert told.splitlines() == ["configmap/two unchanged", "configmap/one pruned"]


def test_kustomizations_are_applied_shown_compared_and_deleted(kubectl: Kubectl, folder: Path) -> None:
    kustomization = {
        "resources": ["one.yaml"],
        "namePrefix": "pre-",
        "configMapGenerator": [{"name": "made", "literals": ["a=b"], "options": {"disableNameSuffixHash": True}}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    assert kubectl.out("apply", "-k", str(folder)).splitlines() == [
        "configmap/pre-made created", "configmap/pre-one created",
    ]  # fmt: skip
    assert "name: pre-one" in kubectl.out("kustomize", str(folder))
    assert kubectl("diff", "-k", str(folder)).stdout == ""
    assert kubectl.out("get", "-k", str(folder), "-o", "name").splitlines() == [
        "configmap/pre-made",
        "configmap/pre-one",
    ]
    assert len(kubectl.out("delete", "-k", str(folder)).splitlines()) == 2


def test_diff_shows_what_would_change_and_its_exit_code_tells(kubectl: Kubectl) -> None:
    new = kubectl("diff", "-f", "-", stdin=text(config("c", {"a": "1"})), check=False)
    assert (new.returncode, '+  a: "1"' in new.stdout) == (1, True)
    kubectl("apply", "-f", "-", stdin=text(config("c", {"a": "1"})))
    same = kubectl("diff", "-f", "-", stdin=text(config("c", {"a": "1"})), check=False)
    assert (same.returncode, same.stdout) == (0, "")
    changed = kubectl("diff", "-f", "-", stdin=text(config("c", {"a": "2"})), check=False)
    assert changed.returncode == 1
    assert [line for line in changed.stdout.splitlines() if line.startswith(("-  a", "+  a"))] == [
        '-  a: "1"', '+  a: "2"',
    ]  # fmt: skip
    failed = kubectl(
        "diff", "-f", "-", stdin=text({"apiVersion": "v1", "kind": "Nope", "metadata": {"name": "x"}}), check=False
    )
    assert failed.returncode > 1
    assert kubectl.json("get", "cm", "c")["data"] == {"a": "1"}


def test_diff_masks_secrets(kubectl: Kubectl) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"word": "xyzzy"}}
    told = kubectl("diff", "-f", "-", stdin=text(secret), check=False)
    assert told.returncode == 1
    assert "xyzzy" not in told.stdout
    assert "eHl6enk" not in told.stdout


def test_unknown_fields_are_refused_and_named(kubectl: Kubectl) -> None:
    wrong = deployment("web", 0).replace("replicas: 0", "replicass: 0")
    refused = kubectl.refused("apply", "-f", "-", stdin=wrong)
    assert 'unknown field "spec.replicass"' in refused
    warned = kubectl("apply", "--validate=warn", "-f", "-", stdin=wrong)
    assert 'Warning: unknown field "spec.replicass"' in warned.stderr
    assert kubectl("apply", "--validate=ignore", "-f", "-", stdin=wrong).stderr == ""


def test_who_applies_on_the_server_owns_what_is_applied(kubectl: Kubectl) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in kubectl.out(*apply, stdin=text(config("owned", {"a": "1", "b": "1"})))
    refused = kubectl.refused(*apply, "--field-manager=other", stdin=text(config("owned", {"a": "2"})))
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.a' in refused
    kubectl(*apply, "--field-manager=other", "--force-conflicts", stdin=text(config("owned", {"a": "2"})))
    kubectl(*apply, stdin=text(config("owned", {})))
    assert kubectl.out("get", "cm", "owned", "-o", "jsonpath={.data}") == '{"a":"2"}'
    shown = kubectl.out("get", "cm", "owned", "-o", "yaml", "--show-managed-fields")
    assert "manager: other" in shown
