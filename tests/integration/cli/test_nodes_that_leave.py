"""What the playbooks that add and remove nodes ask of a real API server, by processes of their own."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
import yaml
from podlab_testing.command_line import Podlab
from podlab_testing.ports import reserved_ports
from podlab_testing.source_code import PROJECT

from podlab.api.pods import volumes
from podlab.api.values import times
from podlab.client.client import Client
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.deploy.nodes.programs import AskedCluster, AskingError
from podlab.deploy.nodes.standing import Standing
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


@pytest.fixture
def of_the_controller(podlab: Podlab) -> AskedCluster:
    return AskedCluster("test", podlab.directory / ".podlab" / "test")


async def made(admin: Client, ready: str = "Unknown") -> Standing:
    node = await admin.create(Node(metadata=meta_pb2.ObjectMeta(name="n9")))
    node.status.addresses.add(type="InternalIP", address="10.0.0.29")
    node.status.conditions.add(type="Ready", status=ready, lastTransitionTime=times.this_second())
    node = await admin.update_status(node)
    lease = Lease(metadata={"name": "n9", "namespace": "kube-node-lease"})
    lease.spec.leaseDurationSeconds = 40
    lease.spec.renewTime.CopyFrom(times.now_micro())
    lease = await admin.create(lease)
    since = times.text(node.status.conditions[0].lastTransitionTime)
    renewed = times.micro_text(lease.spec.renewTime)
    return Standing(ready=ready, since=since, address="10.0.0.29", renewed=renewed, lease_s=40)


async def test_nodes_are_told_with_what_was_heard_of_them_and_go(
    of_the_controller: AskedCluster, admin: Client
) -> None:
    wanted = await made(admin)
    told = await asyncio.to_thread(of_the_controller.standings, ["n9", "n8"])
    assert told == {"n9": wanted, "n8": None}
    for _ in range(2):  # what is gone already is no error
        await asyncio.to_thread(of_the_controller.delete, "n9")
    assert (await admin.list(Node)).items == []


async def test_nodes_whose_machines_are_gone_depart_with_what_was_lost_and_when(
    of_the_controller: AskedCluster, admin: Client
) -> None:
    await made(admin)
    await admin.create(local_volume("v9", "n9"))
    await admin.create(local_volume("v8", "n8"))
    before = int(time.time())
    departed = await asyncio.to_thread(of_the_controller.depart, ["n9"])
    assert before <= departed.server_time <= time.time()
    assert departed.volumes == ("default/v9",)
    assert (await admin.list(Node)).items == []
    assert (await asyncio.to_thread(of_the_controller.depart, ["n9"])).volumes == ("default/v9",)


def local_volume(name: str, node: str) -> PersistentVolume:
    """Of the claim of that name, as the provisioner makes it."""
    volume = PersistentVolume(metadata=meta_pb2.ObjectMeta(name=name))
    volume.metadata.annotations[volumes.PROVISIONED_BY] = volumes.LOCAL_PATH
    volume.spec.capacity["storage"].string = "1Mi"
    volume.spec.accessModes.append("ReadWriteOnce")
    volume.spec.storageClassName = "local-path"
    volume.spec.persistentVolumeSource.local.path = f"{volumes.LOCAL_PATH_DIRECTORY}/{name}"
    volume.spec.claimRef.namespace, volume.spec.claimRef.name = "default", name
    term = volume.spec.nodeAffinity.required.nodeSelectorTerms.add()
    term.matchExpressions.add(key="kubernetes.io/hostname", operator="In", values=[node])
    return volume


def test_a_cluster_that_cannot_be_asked_is_told_with_the_cause(tmp_path: Path, podlab: Podlab) -> None:
    with pytest.raises(AskingError, match="this machine has deployed no cluster blue"):
        AskedCluster("blue", tmp_path / "blue").standings(["n1"])
    state = podlab.directory / ".podlab" / "test"
    (state / "client.yaml").write_text((state / "client.yaml").read_text().replace("server: ", "server: 127.0.0.1:1 #"))
    with pytest.raises(AskingError, match=r"nobody answers at 127\.0\.0\.1:1 within"):
        AskedCluster("test", state).standings(["n1"])


PLAYBOOK = PROJECT / "playbooks/remove-node.yml"


async def removed(state: Path, *options: str) -> tuple[int, str]:
    """What remove-node.yml says where no host of the inventory answers."""
    with reserved_ports(1) as (port,):
        return await _removed(state, {"ansible_host": "127.0.0.1", "ansible_port": port}, *options)


async def _removed(state: Path, hosts: dict[str, object], *options: str) -> tuple[int, str]:
    groups = {"masters": {"hosts": {"m1": hosts}}, "nodes": {"hosts": {"n9": hosts}}}
    known = {"podlab_cluster": "test", "podlab_state_dir": str(state)}
    (state / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": known, "children": groups}}))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    process = await asyncio.create_subprocess_exec(
        *(program, "-i", str(state / "hosts.yml"), str(PLAYBOOK), *options),
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, " ".join(said.decode().split())


async def test_a_node_whose_host_is_gone_leaves_by_force_alone(of_the_controller: AskedCluster, admin: Client) -> None:
    await made(admin)
    code, said = await removed(of_the_controller.directory, "-e", "node=n9")
    assert code == 2
    assert "nothing has been heard of n9 since" in said
    code, said = await removed(of_the_controller.directory, "-e", "node=n9", "-e", "leave_force=true", "--check")
    assert code == 0, said
    assert len((await admin.list(Node)).items) == 1
    code, said = await removed(of_the_controller.directory, "-e", "node=n9", "-e", "leave_force=true")
    assert code == 0, said
    assert "n9 is no node of the cluster any more, and its certificates are refused" in said
    assert "n9 does not answer, and was not cleaned" in said
    assert (await admin.list(Node)).items == []


async def test_what_keeps_a_node_is_told_also_when_pods_have_no_time_to_move(
    of_the_controller: AskedCluster, admin: Client
) -> None:
    await made(admin, ready="True")
    pod = Pod(metadata={"name": "web-1", "namespace": "default", "labels": {"a": "web"}})
    pod.metadata.ownerReferences.add(apiVersion="apps/v1", kind="ReplicaSet", name="web", uid="u", controller=True)
    pod.spec.nodeName = "n9"
    pod.spec.containers.add(name="c", image="podlab.local/hello:1.0")
    pod = await admin.create(pod)
    pod.status.phase = "Running"
    pod.status.conditions.add(type="Ready", status="True")
    await admin.update_status(pod)
    budget = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="b", namespace="default"))
    budget.spec.selector.matchLabels["a"] = "web"
    budget.spec.minAvailable.intVal = 1
    budget = await admin.create(budget)
    budget.status.observedGeneration = budget.metadata.generation
    budget.status.currentHealthy = budget.status.desiredHealthy = budget.status.expectedPods = 1
    await admin.update_status(budget)
    code, said = await removed(of_the_controller.directory, "-e", "node=n9", "-e", "leave_timeout_s=1")
    assert code == 2, said
    why = "Cannot evict pod as it would violate the pod's disruption budget."
    said = said.replace("''", "'")  # as YAML has it
    assert f'node "n9" is not drained after 1 s: still there: default/web-1 ({why})' in said
    assert "leave_force=true, which ends the pods that are left; podlab uncordon n9 takes it back" in said
    assert len((await admin.list(Node)).items) == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "say which node: -e node=NAME, one at a time, and no group"),
        (["-e", "node=all"], "one at a time, and no group; not all"),
        (["-e", "node=m1"], "m1 is a master, too, or has etcd"),
    ],
)
async def test_neither_a_group_nor_a_master_is_removed(tmp_path: Path, options: list[str], why: str) -> None:
    code, said = await removed(tmp_path, *options)
    assert code == 2
    assert why in said
    assert "Its host is bare again" not in said
