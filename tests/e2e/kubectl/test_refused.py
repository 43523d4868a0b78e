"""What is not supported is refused by its name and with the right status, and nothing is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from podlab_testing.deployed import MakeNamespace
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One for all tests here, with a Pod that is on no node."""
    name = make_namespace()
    administrator.inside(name)(
        "create", "-f", "-", stdin=manifest({"nodeSelector": {"example.com/no": "such"}}, "held")
    )
    return name


def manifest(spec: dict[str, Any], name: str = "refused", **container: Any) -> str:
    containers = [{"name": "c", "image": "x", **container}]
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}
    )


UNSUPPORTED = "not supported by Podlab: remove the field"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("os.name", "windows"),
        ("volumes[0].nfs", {"server": "a", "path": "/"}),
        ("volumes[0].rbd", {"image": "a"}),
    ],
)  # fmt: skip
def test_fields_of_pods(kubectl: Kubectl, field: str, value: Any) -> None:
    outer, _, inner = field.partition(".")
    if outer == "volumes[0]":
        spec: dict[str, Any] = {"volumes": [{"name": "v", inner: value}]}
    else:
        spec = {outer: {inner: value} if inner else value}
    refused = kubectl.refused("create", "-f", "-", stdin=manifest(spec))
    assert refused.startswith("Error from server (BadRequest)")
    assert f"spec.{field}: {UNSUPPORTED}" in refused
    assert kubectl.out("get", "pod", "refused", "--ignore-not-found") == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("scale daemonset held --replicas=1", 'daemonsets.apps "held" not found'),
        ("get clustertrustbundles", 'the server doesn\'t have a resource type "clustertrustbundles"'),
        ("get --raw /apis/none.example/v1/things", "(NotFound): the server could not find the requested resource"),
        ("get --raw /api/v1/namespaces/NS/pods/held/nope", '(NotFound)'),
        ("patch cm held --subresource=status -p {}", '(NotFound)'),
        ("delete --raw /api/v1/namespaces/NS/pods/held/status", "(MethodNotAllowed)"),
        ("get pods -l a=b=c", "(BadRequest)"),
        ("rollout restart pod/held", 'pods "held" restarting is not supported'),
    ],
)  # fmt: skip
def test_requests(kubectl: Kubectl, arguments: str, told: str) -> None:
    assert told in kubectl.refused(*arguments.replace("NS", kubectl.namespace).split())


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("apps/v1beta1", "Deployment"),
        ("admissionregistration.k8s.io/v1beta1", "MutatingAdmissionPolicy"),
        ("certificates.k8s.io/v1beta1", "ClusterTrustBundle"),
    ],
)
def test_kinds(kubectl: Kubectl, version: str, kind: str) -> None:
    text = json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})
    assert f'no matches for kind "{kind}" in version "{version}"' in kubectl.refused("create", "-f", "-", stdin=text)
