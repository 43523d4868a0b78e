"""kubectl create with its generators, run, and expose."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import IMAGE, PROJECT, MakeNamespace
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(make_namespace: MakeNamespace) -> str:
    """One for all tests here: each makes things of other names."""
    return make_namespace()


def field(thing: Any, path: str) -> Any:
    """What is at the dotted path."""
    for part in path.split("."):
        thing = thing[int(part)] if part.isdigit() else thing[part]
    return thing


CONTAINER = "spec.template.spec.containers.0"
GENERATED: list[tuple[str, str, dict[str, Any]]] = [
    ("configmap lit --from-literal=a=1 --from-literal=b=2", "configmap/lit", {"data": {"a": "1", "b": "2"}}),
    ("secret generic gen --from-literal=a=x", "secret/gen", {"type": "Opaque", "data.a": "eA=="}),
    (
        "secret docker-registry reg --docker-server=r.example --docker-username=u --docker-password=p",
        "secret/reg",
        {"type": "kubernetes.io/dockerconfigjson"},
    ),
    (
        f"deployment dep --image={IMAGE} --replicas=2 --port=8080 -- sleep 1000",
        "deployment.apps/dep",
        {
            "spec.replicas": 2,
            f"{CONTAINER}.command": ["sleep", "1000"],
            f"{CONTAINER}.name": "hello",
            f"{CONTAINER}.ports.0.containerPort": 8080,
            "metadata.labels": {"app": "dep"},
        },
    ),
    ("service clusterip ip --tcp=80:8080", "service/ip", {"spec.type": "ClusterIP", "spec.ports.0.targetPort": 8080}),
    ("service clusterip headless --clusterip=None", "service/headless", {"spec.clusterIP": "None"}),
    ("service nodeport np --tcp=5678:8080", "service/np", {"spec.type": "NodePort", "spec.ports.0.name": "5678-8080"}),
    ("service loadbalancer lb --tcp=80", "service/lb", {"spec.type": "LoadBalancer"}),
    ("serviceaccount robot", "serviceaccount/robot", {"metadata.name": "robot"}),
    ("job once --image=busybox -- date", "job.batch/once", {f"{CONTAINER}.command": ["date"]}),
    (
        "cronjob often --image=busybox --schedule=0_0_1_1_* -- date",
        "cronjob.batch/often",
        {"spec.schedule": "0 0 1 1 *", "spec.jobTemplate.spec.template.spec.containers.0.command": ["date"]},
    ),
    ("quota few --hard=pods=3,services=2", "resourcequota/few", {"spec.hard": {"pods": "3", "services": "2"}}),
    (
        "poddisruptionbudget calm --selector=app=dep --min-available=1",
        "poddisruptionbudget.policy/calm",
        {"spec.minAvailable": 1, "spec.selector.matchLabels": {"app": "dep"}},
    ),
    (
        "ingress way --rule=a.example/p*=ip:80",
        "ingress.networking.k8s.io/way",
        {"spec.rules.0.host": "a.example", "spec.rules.0.http.paths.0.pathType": "Prefix"},
    ),
    (
        "role reader --verb=get,list --resource=pods,deployments.apps",
        "role.rbac.authorization.k8s.io/reader",
        {"rules.0.resources": ["pods"], "rules.1.apiGroups": ["apps"]},
    ),
    (
        "rolebinding reads --role=reader --user=jane --serviceaccount=default:robot",
        "rolebinding.rbac.authorization.k8s.io/reads",
        {"roleRef.name": "reader", "subjects.0.name": "jane", "subjects.1.namespace": "default"},
    ),
]


@pytest.mark.parametrize(("arguments", "made", "fields"), GENERATED, ids=[made for _, made, _ in GENERATED])
def test_generators_make_what_they_say(kubectl: Kubectl, arguments: str, made: str, fields: dict[str, Any]) -> None:
    words = [word.replace("_", " ") if "schedule" in word else word for word in arguments.split(" ")]
    assert kubectl.out("create", *words) == f"{made} created"
    thing = kubectl.json("get", made)
    assert {path: field(thing, path) for path in fields} == fields
    kubectl("delete", made, "--wait=false")


CLUSTER_WIDE: list[tuple[str, str, dict[str, Any]]] = [
    ("namespace {}", "namespace/{}", {"status.phase": "Active"}),
    ("priorityclass {} --value=1000 --description=high", "priorityclass.scheduling.k8s.io/{}", {"value": 1000}),
    (
        "clusterrole {} --verb=get --non-resource-url=/logs/*",
        "clusterrole.rbac.authorization.k8s.io/{}",
        {"rules.0.nonResourceURLs": ["/logs/*"]},
    ),
    (
        "clusterrolebinding {} --clusterrole=view --group=readers",
        "clusterrolebinding.rbac.authorization.k8s.io/{}",
        {"roleRef.kind": "ClusterRole", "subjects.0.kind": "Group"},
    ),
]


@pytest.mark.parametrize(("arguments", "made", "fields"), CLUSTER_WIDE, ids=[made for _, made, _ in CLUSTER_WIDE])
def test_generators_make_what_has_no_namespace(
    kubectl: Kubectl, namespace: str, arguments: str, made: str, fields: dict[str, Any]
) -> None:
    name = made.format(f"{namespace}-x")
    try:
        assert kubectl.out("create", *arguments.format(f"{namespace}-x").split()) == f"{name} created"
        thing = kubectl.json("get", name)
        assert {path: field(thing, path) for path in fields} == fields
    finally:
        kubectl("delete", name, "--ignore-not-found", "--wait=false")


def test_files_and_directories_become_configmaps_and_secrets(kubectl: Kubectl) -> None:
    folder = kubectl.home / "settings"
    folder.mkdir()
    (folder / "plain.txt").write_text("text\n")
    (folder / "raw.bin").write_bytes(b"\xff\x00")
    (folder / "env").write_text("# comment\nA=1\nB=two words\n")
    kubectl("create", "configmap", "folder", "--from-file=settings")
    found = kubectl.json("get", "cm", "folder")
    assert (found["data"]["plain.txt"], base64.b64decode(found["binaryData"]["raw.bin"])) == ("text\n", b"\xff\x00")
    kubectl("create", "configmap", "env", "--from-env-file=settings/env")
    assert kubectl.json("get", "cm", "env")["data"] == {"A": "1", "B": "two words"}
    kubectl("create", "secret", "generic", "file", "--from-file=key=settings/raw.bin")
    assert base64.b64decode(kubectl.json("get", "secret", "file")["data"]["key"]) == b"\xff\x00"


def test_a_certificate_becomes_a_secret(kubectl: Kubectl) -> None:
    config = yaml.safe_load(kubectl.kubeconfig.read_text())["users"][0]["user"]
    (kubectl.home / "crt").write_bytes(base64.b64decode(config["client-certificate-data"]))
    (kubectl.home / "key").write_bytes(base64.b64decode(config["client-key-data"]))
    kubectl("create", "secret", "tls", "pair", "--cert=crt", "--key=key")
    found = kubectl.json("get", "secret", "pair")
    assert (found["type"], sorted(found["data"])) == ("kubernetes.io/tls", ["tls.crt", "tls.key"])


def test_a_secrets_values_are_never_described(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "quiet", "--from-literal=word=xyzzy")
    told = kubectl.out("describe", "secret", "quiet")
    assert "word:  5 bytes" in told
    assert "xyzzy" not in told


def test_dry_runs_make_nothing(kubectl: Kubectl) -> None:
    printed = yaml.safe_load(kubectl.out("create", "cm", "dry", "--dry-run=client", "--from-literal=a=b", "-o", "yaml"))
    assert printed["data"] == {"a": "b"}
    tried = kubectl.json("create", "deployment", "dry", f"--image={IMAGE}", "--dry-run=server")
    assert tried["spec"]["progressDeadlineSeconds"] == 600, "the server's defaults are there"
    assert kubectl.out("create", "cm", "dry", "--dry-run=server") == "configmap/dry created (server dry run)"
    assert kubectl.out("get", "cm,deploy", "--field-selector=metadata.name=dry", "-o", "name") == ""


def test_creating_from_files_names_each_outcome(kubectl: Kubectl) -> None:
    hello = str(PROJECT / "examples" / "hello" / "configmap.yaml")
    assert kubectl.out("create", "-f", hello) == "configmap/hello created"
    assert kubectl.refused("create", "-f", hello) == (
        f'Error from server (AlreadyExists): error when creating "{hello}": configmaps "hello" already exists'
    )
    assert kubectl.refused("create", "cm", "hello") == (
        'error: failed to create configmap: configmaps "hello" already exists'
    )
    generated = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"made-"}}'
    assert kubectl.out("create", "-f", "-", "-o", "name", stdin=generated).startswith("configmap/made-")
    saved = kubectl.json("create", "cm", "saved", "--save-config")
    assert "kubectl.kubernetes.io/last-applied-configuration" in saved["metadata"]["annotations"]


def test_run_makes_a_pod(kubectl: Kubectl) -> None:
    told = kubectl.out("run", "one", f"--image={IMAGE}", "--port=8080", "--labels=app=one,x=y", "--env=A=b", "--expose")
    assert told == "service/one created\npod/one created"
    made = kubectl.json("get", "pod", "one")
    assert made["metadata"]["labels"] == {"app": "one", "x": "y"}
    assert made["spec"]["containers"][0]["env"] == [{"name": "A", "value": "b"}]
    assert kubectl.json("get", "service", "one")["spec"]["selector"] == {"app": "one", "x": "y"}
    assert kubectl.out("wait", "pod/one", "--for=condition=Ready", "--timeout=30s") == "pod/one condition met"
    kubectl("run", "two", f"--image={IMAGE}", "--restart=Never", "--overrides", '{"spec":{"nodeName":"n1"}}')
    assert kubectl.json("get", "pod", "two")["spec"]["nodeName"] == "n1"
    kubectl("delete", "pod", "one", "two", "--now", "--wait=false")


def test_expose_makes_services_of_what_has_pods(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "shown", f"--image={IMAGE}", "--port=8080", "--replicas=1")
    assert kubectl.out("expose", "deployment", "shown", "--port=80", "--target-port=8080") == "service/shown exposed"
    found = kubectl.json("get", "service", "shown")["spec"]
    assert (found["selector"], found["ports"][0]["targetPort"]) == ({"app": "shown"}, 8080)
    kubectl("expose", "service", "shown", "--name=outside", "--type=NodePort", "--port=80")
    assert kubectl.json("get", "service", "outside")["spec"]["ports"][0]["nodePort"] >= 30000
    name = kubectl.out("get", "pods", "-l", "app=shown", "-o", "name")
    kubectl("expose", name, "--name=single", "--port=80")
    assert "pod-template-hash" in kubectl.json("get", "service", "single")["spec"]["selector"]
    assert kubectl.refused("expose", "deployment", "nope") == (
        'Error from server (NotFound): deployments.apps "nope" not found'
    )
    kubectl("delete", "deployment", "shown", "--wait=false")
