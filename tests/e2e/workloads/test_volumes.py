"""Claims on real hosts: data that outlives pods and kubelets, and is removed with its claim."""

from __future__ import annotations

from typing import Any

import yaml
from deployed import Cli, condition_of, container, wait_until

from podlab.lab.lab import Lab

DIRECTORIES = "/var/lib/podlab/kubelet/local-path"


def manifest(name: str) -> str:
    """A claim of the default class, and a Deployment of one pod that mounts it."""
    labels = {"app": name}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    box = container(lifecycle=None, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    pod = {"containers": [box], "volumes": [volume], "terminationGracePeriodSeconds": 1}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "Recreate"},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    metadata = {"name": name}
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
    ])  # fmt: skip


def ready_pod(cli: Cli, namespace: str, *, other_than: str = "") -> Any:
    """The one that is ready and not the one of that uid; None while there is none."""
    for each in cli.items("pods", "-n", namespace, "-l", "app=store"):
        if condition_of(each, "Ready") == "True" and each["metadata"]["uid"] != other_than:
            return None if "deletionTimestamp" in each["metadata"] else each
    return None


def test_data_outlives_its_pods_and_the_kubelet_and_goes_with_its_claim(
    lab: Lab, cli: Cli, namespace: str, all_ready: None
) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("store"))
    first = wait_until(lambda: ready_pod(cli, namespace), "a pod with its volume")
    node, name = first["spec"]["nodeName"], first["metadata"]["name"]
    cli("exec", name, "-n", namespace, "--", "sh", "-c", "echo kept > /data/words")
    claim = cli.get("persistentvolumeclaim", "store", "-n", namespace)
    assert claim["status"]["phase"] == "Bound"
    directory = f"{DIRECTORIES}/{claim['spec']['volumeName']}"
    lab.run(node, ["systemctl", "restart", "podlab-kubelet"])
    cli("delete", "pod", name, "-n", namespace)
    second = wait_until(lambda: ready_pod(cli, namespace, other_than=first["metadata"]["uid"]), "another pod")
    assert second["spec"]["nodeName"] == node, "where its data is"
    assert cli("exec", second["metadata"]["name"], "-n", namespace, "--", "cat", "/data/words").strip() == "kept"
    cli("delete", "persistentvolumeclaim", "store", "-n", namespace, "--wait=false")
    assert lab.run(node, ["cat", f"{directory}/words"]).stdout.strip() == "kept", "a claim in use stays"
    cli("delete", "deployment", "store", "-n", namespace)

    def is_gone() -> bool:
        left = [each["metadata"]["name"] for each in cli.items("persistentvolumes")]
        there = lab.run(node, ["ls", DIRECTORIES]).stdout.split()
        return claim["spec"]["volumeName"] not in left + there

    wait_until(is_gone, "neither volume nor directory", 60)
