"""Webhooks that pods serve behind a Service: the API server reaches them through their kubelets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import webhook_pod, webhook_pods
from podlab_testing.deployed import wait_until
from podlab_testing.kubectl import Kubectl

CONFIG_MAPS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def hooks(kubectl: Kubectl, namespace: str, keys: Path) -> None:
    """Two pods serve webhooks."""
    keys.mkdir()
    kubectl("apply", "-f", "-", stdin=webhook_pods.manifest(namespace, keys))
    kubectl("rollout", "status", f"deployment/{webhook_pods.NAME}", "--timeout=60s", timeout_s=70)


@pytest.fixture
def configured(kubectl: Kubectl, namespace: str, keys: Path, hooks: None) -> Iterator[str]:
    """The configurations' name; they are about objects of the test's namespace, and go with the test."""
    name = f"{namespace}.example.com"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    for kind, path in (("Mutating", "/mutate"), ("Validating", "/validate")):
        client = webhook_pods.client(namespace, keys, path)
        hook = webhook(f"{path[1:]}.{name}", client, CONFIG_MAPS, namespaceSelector=selector)
        kubectl("apply", "-f", "-", stdin=configuration(kind, name, hook))
    yield name
    kubectl("delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", name, "--ignore-not-found")


@pytest.fixture
def group(kubectl: Kubectl, namespace: str, keys: Path, hooks: None) -> Iterator[str]:
    """One in which Websites are served, whose versions the pods convert; they change and judge those of v2."""
    group = f"{namespace}.example.com"

    def client(path: str) -> dict[str, Any]:
        return webhook_pods.client(namespace, keys, path)

    kubectl("apply", "-f", "-", stdin=json.dumps(webhook_pod.definition(client("/convert"), group)))
    kubectl("wait", f"crd/websites.{group}", "--for=condition=Established", "--timeout=10s")
    rule = {"apiGroups": [group], "apiVersions": ["v2"], "operations": ["CREATE", "UPDATE"], "resources": ["websites"]}
    for kind, path in (("Mutating", "/mutate"), ("Validating", "/validate")):
        hook = webhook(f"{path[1:]}.{group}", client(path), rule)
        kubectl("apply", "-f", "-", stdin=configuration(kind, group, hook))
    yield group
    kubectl("delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", group, "--ignore-not-found")
    kubectl("delete", f"crd/websites.{group}", "--timeout=30s")


def webhook(name: str, client: dict[str, Any], rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": client,
        "rules": [rule],
        **more,
    }


def configuration(kind: str, name: str, hook: dict[str, Any]) -> str:
    made = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [hook],
    }
    return json.dumps(made)


def config_map(name: str, **labels: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})


def test_pods_change_and_judge_what_is_written(kubectl: Kubectl, configured: str) -> None:
    kubectl("apply", "-f", "-", stdin=config_map("good"))
    assert kubectl.json("get", "configmap", "good")["metadata"]["annotations"]["seen"] == "by a pod"
    told = kubectl.refused("create", "-f", "-", stdin=config_map("worse", bad="yes"))
    assert f'admission webhook "validate.{configured}" denied the request: it is bad' in told
    assert kubectl.rows("get", "--no-headers", "validatingwebhookconfiguration", configured)[0][:2] == [configured, "1"]


def test_pods_that_come_and_go_are_asked_as_long_as_one_is_ready(kubectl: Kubectl, configured: str) -> None:
    deployment = f"deployment/{webhook_pods.NAME}"
    kubectl("rollout", "restart", deployment)
    for number in range(10):
        kubectl("create", "-f", "-", stdin=config_map(f"during-{number}"))
    kubectl("rollout", "status", deployment, "--timeout=60s", timeout_s=70)
    kubectl("scale", deployment, "--replicas=0")
    wait_until(lambda: not kubectl.items("pods"), "no pod serves webhooks")
    told = kubectl.refused("create", "-f", "-", stdin=config_map("nobody"))
    assert "failed calling webhook" in told
    assert "no endpoints available for service" in told


def test_a_kind_comes_with_pods_that_convert_change_and_judge_its_objects(kubectl: Kubectl, group: str) -> None:
    """As operators like cert-manager bring theirs."""

    def website(name: str, **labels: str) -> str:
        metadata = {"name": name, "labels": labels}
        made = {"apiVersion": f"{group}/v1", "kind": "Website", "metadata": metadata, "spec": {"host": "example.com"}}
        return json.dumps(made)

    kubectl("create", "-f", "-", stdin=website("good"))
    shown = kubectl.json("get", f"websites.v2.{group}", "good")
    assert shown["spec"] == {"hostPort": "example.com:443"}
    assert shown["metadata"]["annotations"]["seen"] == "by a pod"
    assert kubectl.json("get", f"websites.v1.{group}", "good")["spec"] == {"host": "example.com"}
    told = kubectl.refused("create", "-f", "-", stdin=website("worse", bad="yes"))
    assert f'admission webhook "validate.{group}" denied the request: it is bad' in told
