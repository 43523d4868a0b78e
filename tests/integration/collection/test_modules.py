"""The collection's modules against a real API server, as Ansible runs them; the test plays the kubelet."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.cluster import Cluster
from podlab_testing.source_code import PROJECT

from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

Module = Callable[..., Awaitable[dict[str, Any]]]
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collections")
    build = [sys.executable, str(PROJECT / "scripts/ansible_collection.py"), str(folder), "--stage"]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def module(collections: Path, cluster: Cluster, tmp_path: Path) -> Module:
    """Runs a module with arguments; its result, with `rc`."""
    folder, tls = tmp_path / ".podlab/test", cluster.authority.tls()
    folder.mkdir(parents=True)
    files = {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)}
    endpoint = f"127.0.0.1:{cluster.settings.rest_port}"
    client = {"cluster": "test", "server": cluster.server, "endpoint": endpoint, "tls": files}
    (folder / "client.yaml").write_text(yaml.safe_dump(client))
    (settings := tmp_path / "ansible.cfg").touch()  # none of the checkout's own
    environment = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "LC_ALL": "C.UTF-8",
        "PODLAB_HOME": str(tmp_path),
    }

    async def run(called: str, /, *options: str, **given: object) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("ansible")),
            *("localhost", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", *options),
            *("-m", f"podlab.cluster.{called}", "-a", json.dumps({"cluster": "test", **given})),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        _, arrow, text = out.decode().partition("=> ")
        assert arrow, out.decode() + err.decode()
        found: dict[str, Any] = json.loads(text)
        return {**found, "rc": process.returncode}

    return run


async def test_objects_are_applied_once_and_deleted_once(module: Module, admin: Client) -> None:
    given: dict[str, object] = {"definition": [SETTINGS, SHOP], "namespace": "shop"}
    tried = await module("podlab_apply", "--check", **given)
    with pytest.raises(NotFound):
        await admin.get(ConfigMap, "settings", "shop")
    first = await module("podlab_apply", **given)
    assert first["changes"] == tried["changes"] == ["Namespace shop created", "ConfigMap shop/settings created"]
    assert not (await module("podlab_apply", **given))["changed"]
    assert (await admin.get(ConfigMap, "settings", "shop")).data["colour"] == "blue"
    gone: dict[str, object] = {"definition": SETTINGS, "namespace": "shop", "state": "absent", "wait": True}
    assert (await module("podlab_apply", **gone))["changes"] == ["ConfigMap shop/settings deleted"]
    assert not (await module("podlab_apply", **gone))["changed"]


async def test_fields_of_others_are_taken_by_force_alone(module: Module) -> None:
    await module("podlab_apply", definition=SETTINGS)
    red = {**SETTINGS, "data": {"colour": "red"}}
    refused = await module("podlab_apply", definition=red, field_manager="other")
    assert (refused["rc"], "conflict" in refused["msg"]) == (2, True)
    forced = await module("podlab_apply", "--diff", definition=red, field_manager="other", force=True)
    assert forced["changes"] == ["ConfigMap default/settings configured"]
    assert forced["objects"][0]["data"] == {"colour": "red"}


async def test_what_is_wrong_is_said_with_the_object(module: Module) -> None:
    unknown = {"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "x"}}
    assert (await module("podlab_apply", definition=unknown))["msg"].startswith(
        "Nothing x: the server knows no Nothing"
    )
    waiting = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    late = await module("podlab_apply", definition=waiting, wait=True, wait_timeout=1)
    assert late["msg"].startswith("Pod default/p is not ready within 1 s: its condition Ready is")


async def test_objects_are_found_by_any_of_their_names(module: Module, admin: Client) -> None:
    made = ConfigMap(metadata={"name": "one", "namespace": "default", "labels": {"a": "b"}})
    await admin.create(made)
    for kind in ("ConfigMap", "configmaps", "cm"):
        found = await module("podlab_info", kind=kind, label_selectors=["a=b"])
        assert [(each["kind"], each["metadata"]["name"]) for each in found["objects"]] == [("ConfigMap", "one")]
    assert (await module("podlab_info", kind="cm", name="none"))["objects"] == []
    assert (await module("podlab_info"))["version"]["minor"] == "36"
    assert (await module("podlab_info", kind="deployments.nowhere"))["msg"] == "the server knows no deployments.nowhere"


async def pod(admin: Client, name: str, *owners: str) -> Pod:
    owned = [{"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "u", "controller": True} for kind in owners]
    made = Pod(metadata={"name": name, "namespace": "default", "ownerReferences": owned})
    made.spec.nodeName = "n9"
    made.spec.containers.add(name="c", image="podlab.local/hello:1.0")
    return await admin.create(made)


async def leave(admin: Client, name: str) -> None:
    """The pod ends once it is asked to, as its kubelet would see to."""
    async for batch in admin.watch(Pod, "", "default"):
        found = [change.object for change in batch if change.object and change.object.metadata.name == name]
        if any(each.metadata.HasField("deletionTimestamp") for each in found):
            await admin.delete(Pod, name, "default", grace_period_s=0)
            return


async def test_a_node_is_labelled_and_drained(module: Module, admin: Client) -> None:
    await admin.create(Node(metadata=meta_pb2.ObjectMeta(name="n9")))
    labels = {"disk": "fast"}
    assert [(await module("podlab_node", name="n9", labels=labels))["changed"] for _ in range(2)] == [True, False]
    await pod(admin, "alone")
    refused = await module("podlab_node", name="n9", state="drained")
    assert refused["msg"] == "n9 is not drained: default/alone: nobody would make it again: force"
    await pod(admin, "daemon", "DaemonSet")
    leaving = asyncio.create_task(leave(admin, "alone"))
    drained = await module("podlab_node", name="n9", state="drained", force=True, drain_timeout=20)
    await leaving
    assert drained["evicted"] == ["default/alone"], drained
    assert (await admin.get(Node, "n9")).spec.unschedulable
    assert not (await module("podlab_node", name="n9", state="drained"))["changed"]
    assert (await module("podlab_node", name="n9", state="schedulable", labels={"disk": None}))["changed"]
    assert "disk" not in (await admin.get(Node, "n9")).metadata.labels
    assert (await module("podlab_node", name="n8", state="cordoned"))["msg"] == "the cluster has no node n8"
