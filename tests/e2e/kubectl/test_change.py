"""kubectl label, annotate, patch, edit, set and replace."""

from __future__ import annotations

import json

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace
from podlab_testing.kubectl import Kubectl

TEMPLATE = "{.spec.template.spec"


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One for all tests here, with a Deployment of no pods to change."""
    name = make_namespace()
    administrator.inside(name)("create", "deployment", "web", f"--image={IMAGE}", "--replicas=0")
    return name


@pytest.fixture
def box(kubectl: Kubectl, request: pytest.FixtureRequest) -> str:
    """A ConfigMap of the test's own."""
    name = f"box-{abs(hash(request.node.name)) % 10**8}"
    kubectl("create", "configmap", name, "--from-literal=a=1")
    return name


def manifest(kubectl: Kubectl, name: str) -> str:
    path = kubectl.home / f"{name}.yaml"
    path.write_text(kubectl.out("get", "cm", name, "-o", "yaml"))
    return path.name


def test_labels_are_set_shown_changed_and_removed(kubectl: Kubectl, box: str) -> None:
    assert kubectl.out("label", "cm", box, "a=b", "c=d") == f"configmap/{box} labeled"
    assert kubectl.refused("label", "cm", box, "a=x") == (
        "error: 'a' already has a value (b), and --overwrite is false"
    )
    assert kubectl.out("label", "cm", box, "a=b") == f"configmap/{box} not labeled"
    kubectl("label", "--overwrite", "cm", box, "a=x")
    assert kubectl.out("label", "cm", box, "c-") == f"configmap/{box} unlabeled"
    assert kubectl.out("label", "cm", box, "--list") == "a=x"
    kubectl("label", "cm", "-l", "a=x", "tier=all")
    assert kubectl.json("get", "cm", box)["metadata"]["labels"] == {"a": "x", "tier": "all"}
    refused = kubectl.refused("label", "cm", box, "bad_/key=x")
    assert "bad_/key" in refused
    stale = kubectl.refused("label", "cm", box, "z=1", "--resource-version=1")
    assert "the object has been modified" in stale


def test_annotations_are_set_changed_and_removed(kubectl: Kubectl, box: str) -> None:
    assert kubectl.out("annotate", "cm", box, "why=because it is", "x=y") == f"configmap/{box} annotated"
    kubectl("annotate", "--overwrite", "cm", box, "why=so", "x-")
    assert kubectl.json("get", "cm", box)["metadata"]["annotations"] == {"why": "so"}
    assert kubectl.out("annotate", "cm", box, "--list") == "why=so"


@pytest.mark.parametrize(
    ("kind", "patch", "data"),
    [
        ("merge", '{"data":{"a":null,"b":"2"}}', {"b": "2"}),
        ("strategic", '{"data":{"a":"3"}}', {"a": "3"}),
        ("json", '[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/b","value":"2"}]',
         {"a": "1", "b": "2"}),
    ],
)  # fmt: skip
def test_patches_of_three_types(
    kubectl: Kubectl, request: pytest.FixtureRequest, kind: str, patch: str, data: dict[str, str]
) -> None:
    kubectl("create", "configmap", f"patched-{kind}", "--from-literal=a=1")
    assert kubectl.out("patch", "cm", f"patched-{kind}", "--type", kind, "-p", patch) == (
        f"configmap/patched-{kind} patched"
    )
    assert kubectl.json("get", "cm", f"patched-{kind}")["data"] == data


def test_a_strategic_patch_merges_containers_by_name_and_a_merge_patch_replaces_them(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "merged", f"--image={IMAGE}", "--replicas=0")
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}
    kubectl("patch", "deploy", "merged", "-p", json.dumps(side))
    names = TEMPLATE + ".containers[*].name}"
    assert kubectl.out("get", "deploy", "merged", "-o", f"jsonpath={names}") == "side hello"
    kubectl("patch", "deploy", "merged", "--type=merge", "-p", json.dumps(side))
    assert kubectl.out("get", "deploy", "merged", "-o", f"jsonpath={names}") == "side"


def test_patches_that_change_nothing_or_cannot_be_say_so(kubectl: Kubectl, box: str) -> None:
    assert kubectl.out("patch", "cm", box, "-p", '{"data":{"a":"1"}}') == f"configmap/{box} patched (no change)"
    assert "does not match" in kubectl.refused("patch", "cm", box, "-p", '{"metadata":{"name":"other"}}')
    test = '[{"op":"test","path":"/data/a","value":"9"}]'
    assert "Error from server (Invalid)" in kubectl.refused("patch", "cm", box, "--type=json", "-p", test) or (
        "test" in kubectl.refused("patch", "cm", box, "--type=json", "-p", test)
    )
    assert kubectl.refused("patch", "deploy", "web", "-p", '{"spec":{"replicas":-1}}') == (
        'The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )
    assert "field is immutable" in kubectl.refused(
        "patch", "deploy", "web", "-p", '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}'
    )


def test_status_and_scale_are_patched_apart(kubectl: Kubectl) -> None:
    scaled = kubectl.out(
        "patch", "deploy", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":0}}'
    )
    assert scaled.startswith("scale.autoscaling/web patched")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "held"}}
    pod["spec"] = {"containers": [{"name": "c", "image": "x"}], "nodeSelector": {"no": "such"}}
    kubectl("create", "-f", "-", stdin=json.dumps(pod))
    condition = {"status": {"conditions": [{"type": "example.com/Own", "status": "True"}]}}
    kubectl("patch", "pod", "held", "--subresource=status", "-p", json.dumps(condition))
    path = "jsonpath={.status.conditions[?(@.type=='example.com/Own')].status}"
    assert kubectl.out("get", "pod", "held", "-o", path) == "True"


def test_an_editor_changes_what_it_saves(kubectl: Kubectl, box: str) -> None:
    def editing(script: str) -> Kubectl:
        editor = kubectl.home / "editor"
        editor.write_text(f"#!/bin/sh\n{script}\n")
        editor.chmod(0o755)
        return kubectl.with_environment(KUBE_EDITOR=str(editor))

    assert editing('sed -i \'s/a: "1"/a: "7"/\' $1').out("edit", "cm", box) == f"configmap/{box} edited"
    assert kubectl.json("get", "cm", box)["data"] == {"a": "7"}
    assert editing("true")("edit", "cm", box).stderr == "Edit cancelled, no changes made.\n"
    assert editing("sed -i 's/replicas: 0/replicas: 1/' $1").out("edit", "deploy", "web", "--subresource=status")
    wrong = editing("grep '^#' $1 >>told; sed -i 's/replicas: 0/replicas: -4/' $1").refused("edit", "deploy/web")
    assert "Edit cancelled, no valid changes were saved." in wrong
    assert "# * spec.replicas: Invalid value: -4: must be greater than" in (kubectl.home / "told").read_text()


@pytest.mark.parametrize(
    ("arguments", "path", "after"),
    [
        ("image deployment/web hello=podlab.local/hello:1.1", ".containers[0].image", "podlab.local/hello:1.1"),
        ("env deployment/web A=b C=d", ".containers[0].env[*].name", "A C"),
        ("env deployment/web C-", ".containers[0].env[*].name", "A"),
        ("resources deployment/web --requests=cpu=10m,memory=8Mi --limits=memory=32Mi",
         ".containers[0].resources", '{"limits":{"memory":"32Mi"},"requests":{"cpu":"10m","memory":"8Mi"}}'),
        ("serviceaccount deployment/web default", ".serviceAccountName", "default"),
    ],
    ids=["image", "env", "env-remove", "resources", "serviceaccount"],
)  # fmt: skip
def test_set_changes_a_template(kubectl: Kubectl, arguments: str, path: str, after: str) -> None:
    what = arguments.split()[0].replace("resources", "resource requirements")
    told = f"deployment.apps/web {what} updated"
    assert kubectl.out("set", *arguments.split()) == told
    assert kubectl.out("get", "deployment", "web", "-o", "jsonpath=" + TEMPLATE + path + "}") == after


def test_set_env_takes_from_configmaps_and_lists(kubectl: Kubectl, box: str) -> None:
    kubectl("set", "env", "deployment/web", f"--from=configmap/{box}", "--prefix=BOX_")
    assert f"BOX_A from configmap {box}, key a" in kubectl.out("set", "env", "deployment/web", "--list")


def test_set_selector_and_subject(kubectl: Kubectl) -> None:
    kubectl("create", "service", "clusterip", "chosen", "--tcp=80")
    assert kubectl.out("set", "selector", "service", "chosen", "tier=front") == "service/chosen selector updated"
    assert kubectl.json("get", "service", "chosen")["spec"]["selector"] == {"tier": "front"}
    kubectl("create", "rolebinding", "bound", "--clusterrole=view", "--user=one")
    assert kubectl.out("set", "subject", "rolebinding", "bound", "--user=two") == (
        "rolebinding.rbac.authorization.k8s.io/bound subjects updated"
    )
    subjects = kubectl.json("get", "rolebinding", "bound")["subjects"]
    assert [subject["name"] for subject in subjects] == ["one", "two"]


def test_replace_writes_the_whole_object(kubectl: Kubectl, box: str) -> None:
    path = manifest(kubectl, box)
    text = (kubectl.home / path).read_text()
    (kubectl.home / path).write_text(text.replace('a: "1"', 'b: "2"'))
    assert kubectl.out("replace", "-f", path) == f"configmap/{box} replaced"
    assert kubectl.json("get", "cm", box)["data"] == {"b": "2"}
    assert "the object has been modified" in kubectl.refused("replace", "-f", path)
    before = kubectl.json("get", "cm", box)["metadata"]["uid"]
    found = yaml.safe_load(text)
    for written in ("uid", "resourceVersion", "creationTimestamp"):
        found["metadata"].pop(written, None)
    (kubectl.home / path).write_text(yaml.safe_dump(found))
    assert kubectl.out("replace", "--force", "-f", path).splitlines() == [
        f'configmap "{box}" deleted', f"configmap/{box} replaced",
    ]  # fmt: skip
    after = kubectl.json("get", "cm", box)
    assert (after["metadata"]["uid"] != before, after["data"]) == (True, {"a": "1"})
    kubectl("delete", "cm", box)
    assert kubectl.refused("replace", "-f", path) == (
        f'Error from server (NotFound): error when replacing "{path}": configmaps "{box}" not found'
    )
