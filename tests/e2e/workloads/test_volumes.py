"""Claims on real hosts: data that outlives pods and kubelets, and is removed with its claim."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, condition_of, container, pod, wait_until
from podlab_testing.kubectl import Kubectl

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


@pytest.mark.alone
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


NOBODY, GROUP = 1234, 2345


def shared(name: str) -> str:
    """A pod of a user who is not root, with volumes of many kinds."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    token = {"serviceAccountToken": {"path": "token"}}
    volumes = {
        "empty": {"emptyDir": {}},
        "memory": {"emptyDir": {"medium": "Memory"}},
        "config": {"configMap": {"name": "kube-root-ca.crt", "defaultMode": 0o400}},
        "token": {"projected": {"sources": [token]}},
        "own": {"ephemeral": {"volumeClaimTemplate": {"spec": claim}}},
        "host": {"hostPath": {"path": f"/run/{name}", "type": "DirectoryOrCreate"}},
    }
    mounts: list[dict[str, Any]] = [{"name": each, "mountPath": f"/v/{each}"} for each in volumes]
    mounts.append({"name": "own", "mountPath": "/sub", "subPathExpr": "of/$(POD_NAME)"})
    context = {"runAsUser": NOBODY, "runAsNonRoot": True, "fsGroup": GROUP, "fsGroupChangePolicy": "OnRootMismatch"}
    return pod(
        name,
        volumeMounts=mounts,
        lifecycle=None,
        spec={
            "securityContext": {**context, "supplementalGroups": [3456]},
            "containers": [container(volumeMounts=mounts, lifecycle=None)],
            "volumes": [{"name": each, **source} for each, source in volumes.items()],
            "terminationGracePeriodSeconds": 1,
        },
    )


def test_a_user_who_is_not_root_writes_to_the_volumes_of_its_group(
    lab: Lab, cli: Cli, namespace: str, all_ready: None
) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=shared("shared"))
    wait_until(lambda: condition_of(cli.get("pod", "shared", "-n", namespace), "Ready") == "True", "the pod is ready")

    def run(script: str) -> str:
        return str(cli("exec", "shared", "-n", namespace, "--", "sh", "-c", script)).strip()

    assert run("id -u") == str(NOBODY)
    assert {str(GROUP), "3456"} <= set(run("id -G").split())
    for volume in ("empty", "memory", "own"):
        assert run(f"echo kept > /v/{volume}/file && stat -c %g /v/{volume}/file") == str(GROUP), volume
    assert "BEGIN CERTIFICATE" in run("cat /v/config/ca.crt"), "0400 and its group's"
    assert run("stat -Lc '%a %u %g' /v/token/token") == f"640 {NOBODY} {GROUP}"
    assert run("touch /v/host/file || echo refused").endswith("refused"), "a directory of the host is root's"
    run("echo in > /sub/there")
    assert run("cat /v/own/of/shared/there") == "in"
    claim = cli.get("persistentvolumeclaim", "shared-own", "-n", namespace)
    assert claim["metadata"]["ownerReferences"][0]["name"] == "shared"
    cli("delete", "pod", "shared", "-n", namespace)
    named = f"persistentvolumeclaim/shared-own in {namespace}"
    wait_until(lambda: not cli.items("persistentvolumeclaims", "-n", namespace), f"no {named}")
    node = claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"]
    wait_until(
        lambda: claim["spec"]["volumeName"] not in lab.run(node, ["ls", DIRECTORIES]).stdout.split(), "no directory", 60
    )


def test_a_claim_of_the_default_class_does_not_grow_and_a_volume_for_one_pod_has_one(
    cli: Cli, namespace: str, all_ready: None
) -> None:
    spec = {"accessModes": ["ReadWriteOncePod"], "resources": {"requests": {"storage": "1Mi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "alone"}, "spec": spec}
    cli("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(claim))
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "alone"}}]
    box = container(lifecycle=None, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    body = {"containers": [box], "volumes": volumes, "terminationGracePeriodSeconds": 1}

    def is_ready(name: str) -> bool:
        return condition_of(cli.get("pod", name, "-n", namespace), "Ready") == "True"

    cli("apply", "-n", namespace, "-f", "-", stdin=pod("first", spec=body))
    wait_until(lambda: is_ready("first"), "the first pod has it")
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("second", spec=body))
    told = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    wait_until(lambda: told in cli("describe", "pod", "second", "-n", namespace), "the second is told why it waits")
    spec["resources"] = {"requests": {"storage": "2Mi"}}
    refused = cli.run("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(claim))
    assert "only dynamically provisioned pvc can be resized and the storageclass that" in refused.stderr
    cli("delete", "pod", "first", "-n", namespace)
    wait_until(lambda: is_ready("second"), "it has it next")


# Chains of directories, each moved into the next one: 400 levels, a path of 16,000 bytes.
DEEP = """
set -e
n=dddddddddddddddddddddddddddddddddddddddd
before=
for chain in a b c d e; do
  cd /v; mkdir $chain; cd $chain
  for level in 1 2 3 4 5 6 7 8; do for _ in 1 2 3 4 5 6 7 8 9 0; do mkdir $n; cd $n; done; done
  if [ -n "$before" ]; then mv /v/$before .; else dd if=/dev/zero of=large bs=1M count=4 2>&1; fi
  before=$chain
done
ln -s /etc /v/link; ln -s loop /v/loop; mkfifo /v/fifo; echo made
"""


def test_what_a_container_nests_deeper_than_a_path_can_say_is_measured_and_removed(
    lab: Lab, cli: Cli, namespace: str, all_ready: None
) -> None:
    volume = {"name": "v", "emptyDir": {"sizeLimit": "3Mi"}}
    spec = {"volumes": [volume], "terminationGracePeriodSeconds": 1}
    command = ["sh", "-c", f"{DEEP}\nexec sleep 1000"]
    mounts = [{"name": "v", "mountPath": "/v"}]
    box = container(command=command, volumeMounts=mounts, readinessProbe=None, lifecycle=None)
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("deep", spec={**spec, "containers": [box]}))
    wait_until(lambda: cli.get("pod", "deep", "-n", namespace)["status"].get("reason") == "Evicted", "an eviction", 60)
    found = cli.get("pod", "deep", "-n", namespace)
    assert found["status"]["message"] == 'Usage of EmptyDir volume "v" exceeds the limit "3Mi". '
    cli("delete", "pod", "deep", "-n", namespace)
    directory = f"/var/lib/podlab/kubelet/pods/{found['metadata']['uid']}"
    wait_until(
        lambda: lab.run(found["spec"]["nodeName"], ["test", "!", "-e", directory]).returncode == 0, "removal", 20
    )


def test_a_claim_s_volume_is_told_of_in_metrics_and_summary(cli: Cli, administrator: Kubectl, namespace: str) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("store"))
    made = wait_until(lambda: ready_pod(cli, namespace), "a pod with its volume")
    node = f"/api/v1/nodes/{made['spec']['nodeName']}/proxy"
    labels = f'{{namespace="{namespace}",persistentvolumeclaim="store"}}'

    def figures() -> dict[str, int]:
        found = administrator("get", "--raw", f"{node}/metrics").stdout.splitlines()
        told = [line.split() for line in found if line.startswith("kubelet_volume_stats_")]
        return {name.removesuffix(labels): int(value) for name, value in told if name.endswith(labels)}

    told = wait_until(figures, "the claim's figures")
    assert told["kubelet_volume_stats_capacity_bytes"] > told["kubelet_volume_stats_available_bytes"] > 0
    assert told["kubelet_volume_stats_inodes"] > told["kubelet_volume_stats_inodes_free"] > 0
    assert {"kubelet_volume_stats_used_bytes", "kubelet_volume_stats_inodes_used"} <= told.keys()
    summary = json.loads(administrator("get", "--raw", f"{node}/stats/summary").stdout)
    (pod_told,) = (each for each in summary["pods"] if each["podRef"]["uid"] == made["metadata"]["uid"])
    volumes = {each["name"]: each for each in pod_told["volume"]}
    assert volumes["data"]["pvcRef"] == {"name": "store", "namespace": namespace}
    assert volumes["data"]["capacityBytes"] == told["kubelet_volume_stats_capacity_bytes"]
    token = next(each for name, each in volumes.items() if name != "data")
    assert token["usedBytes"] > 0
    assert "pvcRef" not in token


def test_huge_pages_are_those_that_the_pod_asks_for(cli: Cli, namespace: str) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    volumes = {"volumes": [{"name": "v", "emptyDir": {"medium": "HugePages"}}], "terminationGracePeriodSeconds": 1}
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("none", volumeMounts=mounts, lifecycle=None, spec=volumes))
    resources = {"limits": {"hugepages-2Mi": "2Mi", "memory": "32Mi"}}
    asking = pod("some", volumeMounts=mounts, resources=resources, lifecycle=None, spec={"volumes": volumes["volumes"]})
    cli("apply", "-n", namespace, "-f", "-", stdin=asking)

    def failed() -> list[str]:
        found = cli.items("events", "-n", namespace)
        return [each["message"] for each in found if each["reason"] == "FailedMount"]

    (told,) = wait_until(failed, "an Event of the pod that asks for no pages")
    why = "medium HugePages: hugePages storage requested, but there is no resource request for huge pages"
    assert told == f'MountVolume.SetUp failed for volume "v": {why}'
    has_pages = any("hugepages-2Mi" in node["status"]["allocatable"] for node in cli.items("nodes"))

    def settled() -> bool:
        found = cli.get("pod", "some", "-n", namespace)
        return condition_of(found, "Ready" if has_pages else "PodScheduled") == ("True" if has_pages else "False")

    wait_until(settled, "the other pod runs where there are pages, and waits where there are none")
