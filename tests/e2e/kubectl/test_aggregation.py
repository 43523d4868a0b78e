"""An API server in a pod extends the cluster's API, as in Kubernetes' conformance test of its sample API server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing import extension_server
from podlab_testing.deployed import IMAGE, MakeNamespace, wait_until
from podlab_testing.extension_server import API_VERSION, GROUP, ROOT, VERSION
from podlab_testing.kubectl import Kubectl

from podlab import pki

SERVER = Path(extension_server.__file__)
# The host's Python and its libraries, for a pod whose image has none.
PYTHON, LIBRARIES = "/usr/bin/python3", {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
NAME, PORT = f"{VERSION}.{GROUP}", 8443
AVAILABLE_WITHIN_S = 90


def manifest(namespace: str, authority: bytes) -> list[dict[str, Any]]:
    """Everything but the APIService's server's certificate and its program."""
    account = {"kind": "ServiceAccount", "name": "wardle", "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"

    def bound(kind: str, role_kind: str, role: str, at: str = "") -> dict[str, Any]:
        own = {"name": f"wardle-{namespace}", **({"namespace": at} if at else {})}
        reference = {"apiGroup": rbac, "kind": role_kind, "name": role}
        return {"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": own, "roleRef": reference, "subjects": [account]}

    mounts = {"server": "/server", "tls": "/tls", **{name: f"/{name}" for name in LIBRARIES}}
    volumes: list[dict[str, Any]] = [
        {"name": "server", "configMap": {"name": "server"}},
        {"name": "tls", "secret": {"secretName": "wardle"}},
        *({"name": name, "hostPath": {"path": path}} for name, path in LIBRARIES.items()),
    ]
    container = {
        "name": "server",
        "image": IMAGE,
        "command": [PYTHON, "-u", f"/server/{SERVER.name}", "--tls=/tls", f"--port={PORT}"],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    pod = {"serviceAccountName": "wardle", "containers": [container], "volumes": volumes}
    labels = {"app": "wardle"}
    template = {"metadata": {"labels": labels}, "spec": {**pod, "terminationGracePeriodSeconds": 0}}
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    registered = {
        "group": GROUP,
        "version": VERSION,
        "groupPriorityMinimum": 2000,
        "versionPriority": 200,
        "service": {"namespace": namespace, "name": "wardle"},
        "caBundle": base64.b64encode(authority).decode(),
    }
    service = {"selector": labels, "ports": [{"port": 443, "targetPort": PORT}]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "wardle"}},
        bound("ClusterRoleBinding", "ClusterRole", "system:auth-delegator"),
        bound("RoleBinding", "Role", "extension-apiserver-authentication-reader", "kube-system"),
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "wardle"}, "spec": deployment},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "wardle"},
            "spec": service,
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": NAME},
            "spec": registered,
        },
    ]


@pytest.fixture(scope="module")
def namespace(
    administrator: Kubectl, make_namespace: MakeNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One whose pod serves flunders."""
    name, directory = make_namespace(), tmp_path_factory.mktemp("tls")
    kubectl, host = administrator.inside(name), f"wardle.{name}.svc"
    pki.ensure_certificate(pki.ensure_ca(directory), directory, "wardle", host, [], [host])
    pair = f"--cert={directory / 'wardle.crt'}", f"--key={directory / 'wardle.key'}"
    kubectl("create", "secret", "tls", "wardle", *pair)
    kubectl("create", "configmap", "server", f"--from-file={SERVER}")
    made = manifest(name, (directory / "ca.crt").read_bytes())
    for one in made:
        at = one["metadata"].get("namespace")
        (administrator.inside(at) if at else kubectl)("create", "-f", "-", stdin=yaml.safe_dump(one))
    kubectl("wait", f"apiservice/{NAME}", "--for=condition=Available", f"--timeout={AVAILABLE_WITHIN_S}s")
    yield name
    kubectl("delete", "apiservice", NAME)
    kubectl("delete", "clusterrolebinding", f"wardle-{name}")
    administrator.inside("kube-system")("delete", "rolebinding", f"wardle-{name}")


def flunder(name: str, color: str = "red") -> str:
    metadata = {"name": name, "labels": {"sample-label": "true"}}
    return yaml.safe_dump(
        {"apiVersion": API_VERSION, "kind": "Flunder", "metadata": metadata, "spec": {"color": color}}
    )


def test_what_is_answered_here_and_elsewhere_is_listed(kubectl: Kubectl, namespace: str) -> None:
    lines = {line.split()[0]: line.split()[1:3] for line in kubectl.out("get", "apiservices").splitlines()}
    assert lines["NAME"] == ["SERVICE", "AVAILABLE"]
    assert lines["v1."] == lines["v1.apps"] == lines["v1beta1.metrics.k8s.io"] == ["Local", "True"]
    assert lines[NAME] == [f"{namespace}/wardle", "True"]
    wait_until(lambda: API_VERSION in kubectl.out("api-versions").splitlines(), "its group is discovered", 20)
    listed = kubectl.out("api-resources", f"--api-group={GROUP}", "--no-headers").split()
    assert listed == ["flunders", "fl", API_VERSION, "true", "Flunder"]


def test_its_objects_are_made_read_changed_watched_and_deleted(kubectl: Kubectl) -> None:
    assert kubectl.out("create", "-f", "-", stdin=flunder("one")) == f"flunder.{GROUP}/one created"
    kubectl("create", "-f", "-", stdin=flunder("two", "green"))
    for word in ("flunders", "fl", f"flunders.{GROUP}", f"flunders.{VERSION}.{GROUP}"):
        assert "one" in kubectl.out("get", word)
    raw = json.loads(kubectl.out("get", "--raw", f"{ROOT}/namespaces/{kubectl.namespace}/flunders"))
    assert [one["metadata"]["name"] for one in raw["items"]] == ["one", "two"]
    kubectl("patch", "flunder", "one", "--type=merge", "-p", '{"spec":{"color":"blue"}}')
    assert kubectl.out("get", "flunder", "one", "-o", "jsonpath={.spec.color}") == "blue"
    kubectl("label", "flunder", "two", "sample-label-")
    assert kubectl.out("get", "fl", "-l", "sample-label=true", "-o", "name") == f"flunder.{GROUP}/one"
    kubectl("delete", "flunder", "one")
    assert kubectl.out("get", "fl", "-o", "name") == f"flunder.{GROUP}/two"
    kubectl("delete", "flunders", "--all")
    assert kubectl.out("get", "fl", "-o", "name") == ""


def test_it_is_explained_by_its_own_document(kubectl: Kubectl) -> None:
    told = kubectl.out("explain", "flunder.spec")
    assert "color" in told
    assert "What it looks like." in told


def test_whoever_may_not_is_refused_and_whoever_may_is_not(kubectl: Kubectl, namespace: str) -> None:
    refused = kubectl("get", "flunders", "--as=jane", check=False)
    assert 'User "jane" cannot list resource "flunders" in API group' in refused.stderr
    kubectl("create", "role", "wardler", "--verb=*", f"--resource=flunders.{GROUP}")
    kubectl("create", "rolebinding", "wardler", "--role=wardler", "--user=jane")
    assert kubectl("get", "flunders", "--as=jane").stdout == ""


def test_a_server_that_is_gone_is_told_of_and_disturbs_nobody(kubectl: Kubectl) -> None:
    kubectl("scale", "deployment", "wardle", "--replicas=0")

    def available() -> str:
        lines = kubectl.out("get", "apiservice", NAME, "--no-headers").split(maxsplit=2)
        return lines[2].rsplit(maxsplit=1)[0]

    wait_until(lambda: available() == "False (MissingEndpoints)", "it is unavailable", AVAILABLE_WITHIN_S)
    failed = kubectl("get", "flunders", check=False)
    assert failed.returncode != 0
    assert kubectl.out("get", "deployment", "wardle", "-o", "name") == "deployment.apps/wardle"
    kubectl("scale", "deployment", "wardle", "--replicas=1")
    kubectl("wait", f"apiservice/{NAME}", "--for=condition=Available", f"--timeout={AVAILABLE_WITHIN_S}s")
    assert kubectl("get", "flunders").returncode == 0
