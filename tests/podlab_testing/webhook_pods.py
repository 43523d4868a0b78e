"""Webhooks that a pod of the lab serves behind a Service: the pod runs the host's own Python."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podlab import pki

PROGRAM = Path(__file__).with_name("webhook_pod.py")
NAME, PORT = "hooks", 8443


def manifest(namespace: str, directory: Path) -> str:
    """A Deployment, its Service, and what the server needs; the keys are made in the directory."""
    host = f"{NAME}.{namespace}.svc"
    pki.ensure_certificate(pki.ensure_ca(directory), directory, host, host, [], [host])
    files = {"tls.crt": directory / f"{host}.crt", "tls.key": directory / f"{host}.key"}
    secret = {name: base64.b64encode(path.read_bytes()).decode() for name, path in files.items()}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "data": secret},
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": NAME},
                    "data": {"webhook.py": PROGRAM.read_text()},
                },
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": NAME},
                    "spec": {"selector": {"app": NAME}, "ports": [{"port": 443, "targetPort": PORT}]},
                },
                _deployment(),
            ],
        }
    )


def client(namespace: str, directory: Path, path: str) -> dict[str, Any]:
    """The clientConfig of a webhook that it serves."""
    bundle = base64.b64encode((directory / "ca.crt").read_bytes()).decode()
    return {"service": {"namespace": namespace, "name": NAME, "path": path}, "caBundle": bundle}


def _deployment() -> Mapping[str, Any]:
    mounts = {"/usr": "usr", "/lib": "lib", "/lib64": "lib64", "/etc/hooks": "keys", "/srv/hooks": "program"}
    host = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
    volumes: list[dict[str, Any]] = [{"name": name, "hostPath": {"path": path}} for name, path in host.items()]
    volumes += [
        {"name": "keys", "secret": {"secretName": NAME}},
        {"name": "program", "configMap": {"name": NAME}},
    ]
    container = {
        "name": NAME,
        "image": "podlab.local/hello:1.0",
        "command": ["/usr/bin/python3", "/srv/hooks/webhook.py", "/etc/hooks/tls.crt", "/etc/hooks/tls.key"],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": at, "readOnly": True} for at, name in mounts.items()],
    }
    labels = {"app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": volumes}},
        },
    }
