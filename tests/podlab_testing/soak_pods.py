"""Pods of all shapes, for a soak: each does one thing that a node has to do right, also while it is being killed."""

from __future__ import annotations

import random
from typing import Any

import yaml

from podlab_testing.deployed import IMAGE

Thing = dict[str, Any]
SMALL_DISK = "/mnt/soak"
"""On every node: a filesystem of a few MiB, which pods fill."""
_FOREVER = "trap 'exit 0' TERM; sleep 100000 & wait"
_LIMITS = {"memory": "32Mi", "cpu": "200m"}


def _container(name: str, command: str, **more: Any) -> Thing:
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", command], **more}


def _init() -> Thing:
    return {"initContainers": [_container(f"step-{number}", "sleep 0.1") for number in range(2)]}


def _sidecar() -> Thing:
    return {"initContainers": [_container("sidecar", _FOREVER, restartPolicy="Always")]}


def _hooks() -> Thing:
    hook = {"exec": {"command": ["sh", "-c", "sleep 0.2"]}}
    return {"containers": [_container("main", _FOREVER, lifecycle={"postStart": hook, "preStop": hook})]}


def _probes() -> Thing:
    """Ready for some seconds, then ended by its liveness probe, again and again."""
    probe = {"exec": {"command": ["sh", "-c", "test -e /tmp/ok"]}, "periodSeconds": 1, "failureThreshold": 1}
    command = "touch /tmp/ok; sleep 6; rm /tmp/ok; sleep 100000"
    return {
        "containers": [
            _container("main", command, readinessProbe=probe, livenessProbe={**probe, "initialDelaySeconds": 2})
        ]
    }


def _volumes() -> Thing:
    sources: list[Thing] = [
        {"emptyDir": {}},
        {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"configMap": {"name": "soak"}},
        {"secret": {"secretName": "soak"}},
        {
            "projected": {
                "sources": [{"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}]
            }
        },
    ]
    volumes = [{"name": f"v{number}", **source} for number, source in enumerate(sources)]
    mounts = [{"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes]
    command = f"grep -q . /v2/key && grep -q . /v3/key && echo x > /v0/x && echo x > /v1/x && {_FOREVER}"
    return {"containers": [_container("main", command, volumeMounts=mounts)], "volumes": volumes}


def _out_of_memory() -> Thing:
    command = "sleep 1; tail /dev/zero"
    return {"containers": [_container("main", command, resources={"limits": _LIMITS})], "restartPolicy": "OnFailure"}


def _evicted() -> Thing:
    mount = {"name": "data", "mountPath": "/data"}
    command = f"dd if=/dev/zero of=/data/full bs=64k count=64 2>/dev/null; {_FOREVER}"
    volumes = [{"name": "data", "emptyDir": {"sizeLimit": "1Mi"}}]
    return {"containers": [_container("main", command, volumeMounts=[mount])], "volumes": volumes}


def _full_disk() -> Thing:
    mount = {"name": "disk", "mountPath": "/disk"}
    once = "dd if=/dev/zero of=/disk/$HOSTNAME bs=64k count=200 2>/dev/null; rm -f /disk/$HOSTNAME"
    command = f"for i in 1 2 3; do {once}; done"
    volumes = [{"name": "disk", "hostPath": {"path": SMALL_DISK, "type": "Directory"}}]
    return {
        "containers": [_container("main", f"{command}; exit 0", volumeMounts=[mount])],
        "volumes": volumes,
        "restartPolicy": "Never",
    }


def _ends() -> Thing:
    return {"containers": [_container("main", "sleep 1; exit 3")], "restartPolicy": "Never"}


def _crashes() -> Thing:
    return {"containers": [_container("main", "exit 1")]}


SHAPES = {
    "init": _init, "sidecar": _sidecar, "hooks": _hooks, "probes": _probes, "volumes": _volumes,
    "oom": _out_of_memory, "evicted": _evicted, "full-disk": _full_disk, "ends": _ends, "crashes": _crashes,
}  # fmt: skip


def shared() -> str:
    """What the pods mount."""
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "soak"}, "data": {"key": "told"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "soak"}, "stringData": {"key": "kept"}},
    ])  # fmt: skip


def manifest(shape: str, name: str, chance: random.Random) -> Thing:
    """Of a pod of that shape."""
    spec: Thing = {
        "containers": [_container("main", _FOREVER)],
        "terminationGracePeriodSeconds": chance.choice((0, 1, 3)),
        **SHAPES[shape](),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"shape": shape}}, "spec": spec}
