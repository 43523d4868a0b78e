"""kubectl get: what is chosen, in which form, in which order; and watches."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from podlab_testing.deployed import MakeNamespace, pod
from podlab_testing.kubectl import Kubectl

UID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One for all tests here: they read what is there, and what they make has names of its own."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    kubectl("create", "deployment", "web", "--image=podlab.local/hello:1.0", "--replicas=2", "--port=8080")
    kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080")
    for config, tier, size in (("b", "front", "3"), ("c", "back", "1"), ("a", "back", "2")):
        kubectl("create", "configmap", config, f"--from-literal=size={size}")
        kubectl("label", "configmap", config, f"tier={tier}")
    kubectl("create", "secret", "generic", "key", "--from-literal=word=xyzzy")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return name


def names(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("resource", "columns", "more"),
    [
        ("nodes", "NAME STATUS ROLES AGE VERSION", "INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME"),
        ("namespaces", "NAME STATUS AGE", ""),
        ("pods", "NAME READY STATUS RESTARTS AGE", "IP NODE NOMINATED NODE READINESS GATES"),
        ("services", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", "SELECTOR"),
        ("configmaps", "NAME DATA AGE", ""),
        ("secrets", "NAME TYPE DATA AGE", ""),
        ("deployments", "NAME READY UP-TO-DATE AVAILABLE AGE", "CONTAINERS IMAGES SELECTOR"),
        ("replicasets", "NAME DESIRED CURRENT READY AGE", "CONTAINERS IMAGES SELECTOR"),
        ("endpointslices", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE", ""),
        ("leases -n kube-node-lease", "NAME HOLDER AGE", ""),
        ("events", "LAST SEEN TYPE REASON OBJECT MESSAGE", "SUBOBJECT SOURCE FIRST SEEN COUNT NAME"),
    ],
)
def test_columns_are_those_that_kubernetes_prints(kubectl: Kubectl, resource: str, columns: str, more: str) -> None:
    assert " ".join(kubectl.rows("get", *resource.split())[0]) == columns
    wide = kubectl.rows("get", *resource.split(), "-o", "wide")[0]
    assert sorted(wide) == sorted([*columns.split(), *more.split()])


def test_rows_tell_the_state(kubectl: Kubectl) -> None:
    assert kubectl.rows("get", "deployment", "web")[1][:4] == ["web", "2/2", "2", "2"]
    assert kubectl.rows("get", "pods", "-o", "wide", "--no-headers")[0][1:4] == ["1/1", "Running", "0"]
    service = kubectl.rows("get", "service", "web")[1]
    assert (service[1], service[3], service[4]) == ("ClusterIP", "<none>", "80/TCP")
    assert kubectl.rows("get", "secret", "key")[1][1:3] == ["Opaque", "1"]


def test_all_shows_the_categories_kinds_with_their_names(kubectl: Kubectl) -> None:
    found = [row[0] for row in kubectl.rows("get", "all") if row and row[0] != "NAME"]
    assert {name.partition("/")[0] for name in found} == {"pod", "service", "deployment.apps", "replicaset.apps"}
    assert {"service/web", "deployment.apps/web"} <= set(found)


def test_several_resources_and_names_at_once(kubectl: Kubectl) -> None:
    assert kubectl.out("get", "cm/a", "secret/key", "deploy/web", "-o", "name").splitlines() == [
        "configmap/a", "secret/key", "deployment.apps/web",
    ]  # fmt: skip
    assert kubectl.out("get", "cm", "c", "a", "-o", "name").splitlines() == ["configmap/c", "configmap/a"]
    assert len(kubectl.items("configmaps,secrets")) == len(kubectl.items("configmaps")) + len(kubectl.items("secrets"))


def test_json_and_yaml_are_the_same_list(kubectl: Kubectl) -> None:
    as_json = json.loads(kubectl.out("get", "configmaps", "-l", "tier", "-o", "json"))
    as_yaml = yaml.safe_load(kubectl.out("get", "configmaps", "-l", "tier", "-o", "yaml"))
    assert as_json == as_yaml
    assert (as_json["kind"], as_json["apiVersion"]) == ("List", "v1")
    assert [item["data"] for item in as_json["items"]] == [{"size": "2"}, {"size": "3"}, {"size": "1"}]
    assert {item["kind"] for item in as_json["items"]} == {"ConfigMap"}


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("cm a b -o name", "configmap/a configmap/b"),
        ("cm a -o custom-columns=N:.metadata.name,S:.data.size,X:.data.none", "N S X a 2 <none>"),
        ("cm a -o custom-columns=N:.metadata.name --no-headers", "a"),
        ("cm -l tier -o jsonpath={.items[*].metadata.name}", "a b c"),
        ("cm -l tier -o jsonpath={.items[?(@.data.size>'1')].metadata.name}", "a b"),
        ("cm -l tier -o jsonpath={range.items[*]}{.metadata.name}={.data.size},{end}", "a=2,b=3,c=1,"),
        ("cm -l tier -o jsonpath-as-json={.items[0].data.size}", '[ "2" ]'),
        ("cm -l tier -o go-template={{range.items}}{{.data.size}}{{end}}", "231"),
        ("cm a -o go-template={{.metadata.name}}", "a"),
        ("cm a --template={{.data.size}}", "2"),
        ("secret key -o go-template={{.data.word|base64decode}}", "xyzzy"),
        ("cm -l tier --sort-by=.data.size -o name", "configmap/c configmap/a configmap/b"),
        ("cm -l tier --sort-by={.metadata.name} -o name", "configmap/a configmap/b configmap/c"),
        ("cm -l tier=back -o name", "configmap/a configmap/c"),
        ("cm -l tier!=back,tier -o name", "configmap/b"),
        ("cm -l tier=back --field-selector=metadata.name=c -o name", "configmap/c"),
        ("cm --field-selector=metadata.name!=a -l tier -o name", "configmap/b configmap/c"),
        ("cm a -L tier --no-headers -o custom-columns=T:.metadata.labels.tier", "back"),
        ("cm nope --ignore-not-found -o name", ""),
        ("cm -l tier --chunk-size=1 -o name", "configmap/a configmap/b configmap/c"),
        ("deploy web -o jsonpath={.status.readyReplicas}/{.spec.replicas}", "2/2"),
        ("deployments.v1.apps web -o name", "deployment.apps/web"),
        ("deployments.apps --subresource=status web -o name", "deployment.apps/web"),
        ("deploy web --subresource=scale -o jsonpath={.kind}:{.status.replicas}", "Scale:2"),
        ("--raw /version", None),
        ("--raw /readyz", "ok"),
    ],
)  # fmt: skip
def test_what_is_printed(kubectl: Kubectl, arguments: str, printed: str | None) -> None:
    found = " ".join(kubectl.out("get", *arguments.split(" ")).split())
    if printed is not None:
        assert found == printed


def test_selectors_with_sets(kubectl: Kubectl) -> None:
    assert names(kubectl.out("get", "cm", "-l", "tier in (front, middle)", "--no-headers")) == ["b"]
    assert names(kubectl.out("get", "cm", "-l", "tier notin (front),tier", "--no-headers")) == ["a", "c"]
    assert "a" not in names(kubectl.out("get", "cm", "-l", "!tier", "--no-headers"))


def test_files_of_columns_and_templates(kubectl: Kubectl) -> None:
    (kubectl.home / "columns").write_text("NAME SIZE\n.metadata.name .data.size\n")
    (kubectl.home / "template").write_text("{{.metadata.name}} has {{.data.size}}")
    (kubectl.home / "path").write_text("{.data.size}")
    assert kubectl.rows("get", "cm", "a", "-o", "custom-columns-file=columns") == [["NAME", "SIZE"], ["a", "2"]]
    assert kubectl.out("get", "cm", "a", "-o", "go-template-file=template") == "a has 2"
    assert kubectl.out("get", "cm", "a", "-o", "jsonpath-file=path") == "2"


def test_labels_kinds_and_namespaces_as_columns(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl.rows("get", "cm", "a", "--show-labels")[1][-1] == "tier=back"
    header, row = kubectl.rows("get", "cm", "b", "-L", "tier")
    assert (header[-1], row[-1]) == ("TIER", "front")
    assert kubectl.rows("get", "cm", "a", "--show-kind")[1][0] == "configmap/a"
    header, *rows = kubectl.rows("get", "deployments", "-A")
    assert header[:2] == ["NAMESPACE", "NAME"]
    assert [namespace, "web"] in [row[:2] for row in rows]


def test_the_server_prints_unless_the_client_is_asked_to(kubectl: Kubectl) -> None:
    assert kubectl.rows("get", "pods", "--server-print=false")[0] == ["NAME", "AGE"]


def test_what_is_not_there(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl.refused("get", "cm", "nope") == 'Error from server (NotFound): configmaps "nope" not found'
    assert kubectl.refused("get", "deploy", "nope") == 'Error from server (NotFound): deployments.apps "nope" not found'
    assert kubectl.refused("get", "nopes") == 'error: the server doesn\'t have a resource type "nopes"'
    assert 'field selector "spec.nope=x": field label not supported: spec.nope' in kubectl.refused(
        "get", "pods", "--field-selector=spec.nope=x"
    )
    done = kubectl("get", "pods", "-l", "no=such")
    assert (done.stdout, done.stderr) == ("", f"No resources found in {namespace} namespace.\n")
    assert kubectl("get", "pods", "-A", "-l", "no=such").stderr == "No resources found\n"
    assert kubectl.refused("get", "--raw", "/nope") == (
        "Error from server (NotFound): the server could not find the requested resource"
    )


def test_the_whole_object_has_what_kubernetes_gives_one(kubectl: Kubectl, namespace: str) -> None:
    found = kubectl.json("get", "deployment", "web")
    assert re.fullmatch(UID, found["metadata"]["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["metadata"]["creationTimestamp"])
    assert found["metadata"]["namespace"] == namespace
    assert found["metadata"]["generation"] == 1 == found["status"]["observedGeneration"]
    assert found["spec"]["strategy"] == {
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }  # fmt: skip
    assert {condition["type"] for condition in found["status"]["conditions"]} == {"Available", "Progressing"}


def test_a_watch_tells_what_happens(kubectl: Kubectl) -> None:
    with kubectl.running("get", "cm", "-l", "seen=yes", "-w", "--output-watch-events") as watch:
        kubectl("create", "-f", "-", stdin=labelled("new"))
        watch.until("ADDED")
        kubectl("patch", "cm", "new", "-p", '{"data":{"a":"b"}}')
        watch.until("MODIFIED")
        kubectl("delete", "cm", "new")
        told = [line.split()[:3] for line in watch.until("DELETED")]
    assert told == [["EVENT", "NAME", "DATA"], ["ADDED", "new", "0"], ["MODIFIED", "new", "1"], ["DELETED", "new", "1"]]


def test_watch_only_leaves_out_what_is_there(kubectl: Kubectl) -> None:
    with kubectl.running("get", "cm", "--watch-only", "-o", "name") as watch:
        for number in range(20):  # until the watch has begun
            kubectl("create", "configmap", f"later-{number}")
            try:
                told = watch.until("later-", within_s=0.5)
            except AssertionError:
                continue
            break
        assert all(line.startswith("configmap/later-") for line in told)


def test_a_watched_pod_goes_through_its_states(kubectl: Kubectl) -> None:
    with kubectl.running("get", "pods", "-l", "app=brief", "-w") as watch:
        over = pod("brief", command=["true"], readinessProbe=None, lifecycle=None, spec={"restartPolicy": "Never"})
        kubectl("create", "-f", "-", stdin=over)
        told = [line.split()[2] for line in watch.until("Completed")]
    passed = [state for state in dict.fromkeys(told) if state not in ("Pending", "Running")]  # too brief to be sure of
    assert passed == ["STATUS", "ContainerCreating", "Completed"]


def labelled(name: str) -> str:
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"seen": "yes"}}}
    )
