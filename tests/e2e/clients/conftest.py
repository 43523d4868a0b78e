"""Kubernetes' client libraries on the lab that PODLAB_CLUSTER names, each in a namespace of its own."""

from __future__ import annotations

import gc
import json
import secrets
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import PROJECT, Cli, condition_of, wait_until

from podlab.lab.lab import Lab


@pytest.fixture(scope="session")
def kubeconfig(lab: Lab) -> Path:
    return PROJECT / ".podlab" / lab.name / "kubeconfig"


@pytest.fixture(scope="session")
def new_kubectl() -> Path:
    """kubectl 1.37, also where another is installed."""
    program = Path(sys.prefix) / "kubectl" / "bin" / "kubectl"
    if not program.exists():
        pytest.skip("kubectl 1.37 is not installed: scripts/bootstrap clients")
    return program


@pytest.fixture(scope="session")
def crontabs(cli: Cli) -> Iterator[str]:
    """A group in which CronTabs are served: with status, scale, and two replicas by default."""
    group = f"e2e-{secrets.token_hex(3)}.example.com"
    spec = {
        "type": "object",
        "required": ["cron"],
        "properties": {
            "cron": {"type": "string"},
            "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
            "steps": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string"}, "run": {"type": "string"}},
                },
            },
        },
    }
    status = {"type": "object", "properties": {"last": {"type": "string"}, "replicas": {"type": "integer"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
        },
    }
    names = {"kind": "CronTab", "plural": "crontabs"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"crontabs.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    cli("apply", "-f", "-", stdin=json.dumps(definition))
    try:
        wait_until(
            lambda: condition_of(cli.get("crd", f"crontabs.{group}"), "Established") == "True", "CronTabs are served"
        )
        yield group
    finally:
        cli("delete", "crd", f"crontabs.{group}")


@pytest.fixture(autouse=True)
def _connections_left_open() -> Iterator[None]:
    """The libraries leave connections to the garbage collector: here, not in a later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
