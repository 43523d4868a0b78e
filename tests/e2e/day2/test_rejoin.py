"""A node's machine is lost: its host comes back empty, or another machine takes its name. One run brings the node back.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import nodes_ready, wait_until
from podlab_testing.own_clusters import MakeCluster, OwnCluster, ready
from podlab_testing.own_labs import own_lab, wipe
from podlab_testing.source_code import PROJECT

from podlab.lab.spec import LabSpec

MAKE_ROOM = "Nodes whose hosts are others now, or were wiped, make room for them"
READY_WITHIN_S = 90


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    """Of two nodes only the first is in the inventory; the other is a bare machine."""
    made = make_cluster(LabSpec(name=own_lab("y").name, masters=1, nodes=2), {})
    places(made, n1="n1")
    made.deploy()
    made.pod_everywhere("web")
    return made


def places(cluster: OwnCluster, **nodes: str) -> None:
    """Have the inventory's nodes be these hosts of the lab, by name."""
    path = PROJECT / ".podlab" / cluster.lab.name / "inventory/hosts.yml"
    content = yaml.safe_load(path.read_text())
    found = {name: {"ansible_host": cluster.addresses()[host]} for name, host in nodes.items()}
    content["all"]["children"]["nodes"]["hosts"] = found
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def node(cluster: OwnCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.cli.get("node", "n1")
    return found


def identity(cluster: OwnCluster) -> tuple[str, str]:
    found = node(cluster)
    return found["metadata"]["uid"], found["status"]["nodeInfo"]["machineID"]


def until_the_app_runs(cluster: OwnCluster) -> None:
    wait_until(lambda: nodes_ready(cluster.cli), "the node is Ready", READY_WITHIN_S)
    wait_until(lambda: all(map(ready, cluster.cli.items("pods", "-l", "app=web"))), "the pod runs", READY_WITHIN_S)


def test_a_wiped_host_rejoins_under_its_name_and_the_certificates_before_are_refused(
    cluster: OwnCluster, tmp_path: Path
) -> None:
    before, stolen = identity(cluster), tmp_path / "stolen"
    shutil.copytree(PROJECT / ".podlab" / cluster.lab.name / "pki/n1", stolen)
    cluster.cli("create", "-f", "-", stdin=CLAIMING)
    wait_until(lambda: ready(cluster.cli.get("pod", "keeper")), "the pod with a volume runs", READY_WITHIN_S)
    wipe(cluster.lab, "n1")
    check = cluster.play("site.yml", "--check")
    assert check.code == 0, check.text[-4000:]
    assert (MAKE_ROOM, "m1") in check.changed or (MAKE_ROOM, "n1") in check.changed
    assert identity(cluster) == before, "a check deletes nothing"
    outcome = cluster.play("site.yml")
    assert outcome.code == 0, outcome.text[-4000:]
    told = " ".join(outcome.text.split())
    assert "than node n1 was; its Node was deleted, and the host joins anew" in told
    assert "n1 had the data of these claims, which begin anew: default/kept" in told
    assert outcome.changed == check.changed
    after = identity(cluster)
    assert (after[0] != before[0], after[1] != before[1]) == (True, True)
    until_the_app_runs(cluster)
    cluster.ask_node_port("web", "n1")
    refused = answer(cluster, stolen)
    assert "node n1 was removed from the cluster" in refused, refused
    again = cluster.play("site.yml")
    assert (again.code, again.changed) == (0, set()), again.text[-4000:]


CLAIMING = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: keeper}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: c, image: podlab.local/hello:1.0, volumeMounts: [{name: v, mountPath: /v}]}
  volumes: [{name: v, persistentVolumeClaim: {claimName: kept}}]
"""


def answer(cluster: OwnCluster, pki: Path) -> str:
    """What the API server says to whoever shows the node's certificate of before."""
    for name in ("kubelet.crt", "kubelet.key"):
        text = (pki / name).read_text()
        cluster.on("m1", f"umask 077; cat > /root/{name} <<'END'\n{text}END")
    program = (
        "import http.client, ssl; c = ssl.create_default_context(cafile='/etc/podlab/pki/ca.crt'); "
        "c.load_cert_chain('/root/kubelet.crt', '/root/kubelet.key'); "
        "h = http.client.HTTPSConnection('127.0.0.1', 6443, context=c, timeout=10); "
        "h.request('GET', '/api/v1/nodes/n1'); print(h.getresponse().read().decode())"
    )
    return cluster.on("m1", f'python3 -c "{program}"; rm /root/kubelet.crt /root/kubelet.key')


def test_a_host_that_was_reset_rejoins_too(cluster: OwnCluster) -> None:
    before = identity(cluster)
    assert cluster.play("reset.yml", "--limit", "n1").code == 0
    outcome = cluster.play("add-node.yml", "-e", "node=n1")
    assert outcome.code == 0, outcome.text[-4000:]
    assert "it has nothing of node n1 any more; its Node was deleted" in " ".join(outcome.text.split())
    after = identity(cluster)
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
    until_the_app_runs(cluster)


def test_another_machine_gets_no_name_of_a_node_that_lives(cluster: OwnCluster) -> None:
    before = identity(cluster)
    places(cluster, n1="n2")
    outcome = cluster.play("site.yml")
    assert outcome.code != 0
    assert outcome.changed == set()
    addresses = cluster.addresses()
    told = " ".join(outcome.text.split())
    assert f"n1 is a node at {addresses['n1']}, whose kubelet is heard" in told
    assert f"another machine for it at {addresses['n2']}" in told
    assert identity(cluster) == before
    assert nodes_ready(cluster.cli)


def test_another_machine_takes_the_name_of_a_node_that_is_gone(cluster: OwnCluster) -> None:
    cluster.lab.stop(["n1"], hard=True)
    outcome = cluster.play("site.yml")
    assert outcome.code == 0, outcome.text[-4000:]
    assert node(cluster)["status"]["addresses"][0]["address"] == cluster.addresses()["n2"]
    until_the_app_runs(cluster)
    cluster.ask_node_port("web", "n2")
    cluster.lab.start(["n1"])  # the one that was lost comes back: it is nobody's node
    removed = "journalctl -u podlab-kubelet --output=cat | grep -c 'was removed from the cluster'"
    wait_until(lambda: cluster.on("n1", f"{removed} || true") != "0", "the old machine is refused", READY_WITHIN_S)
    assert node(cluster)["status"]["addresses"][0]["address"] == cluster.addresses()["n2"]
