"""A CustomResourceDefinition and its objects, as kubectl sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import MakeNamespace
from podlab_testing.kubectl import Kubectl

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Runs at times.",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["cron"],
            "properties": {
                "cron": {"type": "string", "description": "When it runs."},
                "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
            },
            "x-kubernetes-validations": [{"rule": "self.replicas < 9 || self.cron != '* *'", "message": "too often"}],
        }
    },
}


@pytest.fixture(scope="module")
def group(administrator: Kubectl, make_namespace: MakeNamespace) -> Iterator[str]:
    """One of its own, in which CronTabs are served; they go with it."""
    group = f"{make_namespace()}.example.com"
    names = {"kind": "CronTab", "plural": "crontabs", "shortNames": [group.partition(".")[0]]}
    column = {"name": "Cron", "type": "string", "jsonPath": ".spec.cron"}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}, "scale": scale},
        "additionalPrinterColumns": [column],
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"crontabs.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    administrator("apply", "-f", "-", stdin=json.dumps(definition))
    try:
        administrator("wait", f"crd/crontabs.{group}", "--for=condition=Established", "--timeout=10s")
        yield group
    finally:
        administrator("delete", f"crd/crontabs.{group}", "--timeout=30s")


def cron_tab(group: str, **spec: object) -> str:
    return json.dumps({"apiVersion": f"{group}/v1", "kind": "CronTab", "metadata": {"name": "a"}, "spec": spec})


def test_objects_of_a_custom_kind_live_as_others_do(administrator: Kubectl, group: str) -> None:
    kubectl = administrator.inside(group.partition(".")[0])
    crontabs = f"crontabs.{group}"
    assert "created" in kubectl.out("apply", "-f", "-", stdin=cron_tab(group, cron="0 * * * *"))
    table = [line.split() for line in kubectl.out("get", crontabs).splitlines()]
    assert (table[0], table[1][:2]) == (["NAME", "CRON"], ["a", "0"])
    kubectl("scale", crontabs, "a", "--replicas=4")
    assert kubectl.out("get", crontabs, "a", "-o", "jsonpath={.spec.replicas} {.metadata.generation}") == "4 2"
    assert "When it runs." in kubectl.out("explain", f"{crontabs}.spec")
    assert "spec.replicas" in kubectl.refused("apply", "-f", "-", stdin=cron_tab(group, cron="x", replicas=10))
    assert "too often" in kubectl.refused("apply", "-f", "-", stdin=cron_tab(group, cron="* *", replicas=9))
    assert 'unknown field "spec.word"' in kubectl.refused("create", "-f", "-", stdin=cron_tab(group, cron="x", word=1))
    assert "patched" in kubectl.out("patch", crontabs, "a", "--type=merge", "-p", '{"spec": {"cron": "1 * * * *"}}')
    kubectl("delete", crontabs, "a")
    assert kubectl.out("get", crontabs, "a", "--ignore-not-found") == ""
