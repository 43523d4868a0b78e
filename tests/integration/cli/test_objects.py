"""get, apply, create, delete and describe against a real API server."""

from __future__ import annotations

import asyncio
import json
import re

import yaml
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "podlab.local/hello:1.0", ports: [{containerPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def config(name: str, **data: str) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


async def test_apply_creates_then_leaves_alone_then_configures(podlab: Podlab, admin: Client) -> None:
    podlab.write("web.yaml", WEB)
    assert await podlab.ok("apply", "-f", "web.yaml") == "deployment.apps/web created\nservice/web created\n"
    assert await podlab.ok("apply", "-f", "web.yaml") == "deployment.apps/web unchanged\nservice/web unchanged\n"
    before = await admin.get(Service, "web", "default")
    podlab.write("web.yaml", WEB.replace("port: 80,", "port: 81,"))
    assert await podlab.ok("apply", "-f", "web.yaml") == "deployment.apps/web unchanged\nservice/web configured\n"
    after = await admin.get(Service, "web", "default")
    assert [port.port for port in after.spec.ports] == [81]
    assert after.spec.clusterIP == before.spec.clusterIP


async def test_apply_removes_what_it_wrote_and_keeps_what_others_did(podlab: Podlab, admin: Client) -> None:
    await podlab.ok("apply", "-f", "-", stdin=config("c", a="1", b="2").encode())
    live = await admin.get(ConfigMap, "c", "default")
    live.data["others"] = "3"
    await admin.update(live)
    await podlab.ok("apply", "-f", "-", stdin=config("c", a="1").encode())
    assert dict((await admin.get(ConfigMap, "c", "default")).data) == {"a": "1", "others": "3"}


async def test_nothing_is_applied_when_one_object_is_refused(podlab: Podlab, admin: Client) -> None:
    podlab.write("all/1.yaml", config("first", a="1"))
    podlab.write(
        "all/2.yaml",
        WEB.replace("matchLabels: {app: web}", "matchLabels: {app: other}").replace("port: 80,", "port: 80000,"),
    )
    message = await podlab.fails("apply", "-f", "all")
    assert 'The Deployment "web" is invalid: spec.template.metadata.labels: ' in message
    assert 'The Service "web" is invalid: spec.ports[0].port: Invalid value: 80000: ' in message
    assert not (await admin.list(ConfigMap, "default")).items


async def test_a_manifest_with_mistakes_is_refused_with_file_line_and_field(podlab: Podlab, admin: Client) -> None:
    podlab.write(
        "bad.yaml", config("good") + "---\n" + WEB.replace("image:", "imagee:").replace("replicas: 2", "replicas: two")
    )
    message = await podlab.fails("apply", "-f", "bad.yaml")
    assert 'bad.yaml: Deployment "web" (line 8): spec.replicas: expected a 32-bit integer' in message
    assert 'spec.template.spec.containers[0].imagee: unknown field (did you mean "image"?)' in message
    assert not (await admin.list(ConfigMap, "default")).items
    podlab.write("worse.yaml", "a: [1\n")
    assert "worse.yaml: malformed YAML at line 2, column 1" in await podlab.fails("apply", "-f", "worse.yaml")
    podlab.write("nameless.yaml", config("x").replace("name: x", "generateName: x-"))
    assert "ConfigMap: metadata.name: Required value" in await podlab.fails("apply", "-f", "nameless.yaml")
    assert 'the path "none.yaml" does not exist' in await podlab.fails("apply", "-f", "none.yaml")


async def test_a_namespace_and_what_is_in_it_are_applied_together(podlab: Podlab, admin: Client) -> None:
    inside = config("c").replace("name: c", "name: c\n  namespace: team")
    text = inside + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"
    assert await podlab.ok("apply", "-f", "-", stdin=text.encode()) == "namespace/team created\nconfigmap/c created\n"
    message = await podlab.fails("apply", "-f", "-", stdin=inside.replace("team", "nowhere").encode())
    assert message.startswith('Error from server (NotFound): error when applying "standard input", configmap/c: ')
    assert 'namespaces "nowhere" not found' in message


async def test_get_prints_tables_as_kubectl_does(podlab: Podlab, admin: Client) -> None:
    result = await podlab("get", "pods")
    assert (result.code, result.out, result.err) == (0, "", "No resources found in default namespace.\n")
    for name in ("a", "b-long"):
        await admin.create(
            Pod(
                metadata={"name": name, "namespace": "default", "labels": {"app": name}},
                spec={"containers": [{"name": "c", "image": "i"}]},
            )
        )
    out = await podlab.ok("get", "pods")
    *columns, ages = zip(*(line.split() for line in out.splitlines()), strict=True)
    assert list(zip(*columns, strict=True)) == [
        ("NAME", "READY", "STATUS", "RESTARTS"),
        ("a", "0/1", "Pending", "0"),
        ("b-long", "0/1", "Pending", "0"),
    ]
    assert ages[0] == "AGE"
    assert all(re.fullmatch(r"\d+s", age) for age in ages[1:])
    assert await podlab.ok("get", "po", "-l", "app=a", "-o", "name") == "pod/a\n"
    both = await podlab.ok("get", "pods,ns", "--no-headers")
    assert "pod/a " in both
    assert "namespace/default " in both
    everywhere = (await podlab.ok("get", "pods", "-A")).splitlines()
    assert everywhere[0].startswith("NAMESPACE   NAME")
    assert json.loads(await podlab.ok("get", "pod/a", "-o", "json"))["metadata"]["name"] == "a"
    listed = yaml.safe_load(await podlab.ok("get", "pods", "-o", "yaml"))
    assert (listed["kind"], len(listed["items"])) == ("List", 2)


async def test_what_is_missing_is_named_and_the_rest_is_shown(podlab: Podlab) -> None:
    result = await podlab("get", "ns", "default", "nope")
    assert result.code == 1
    assert "default" in result.out
    assert result.err == 'Error from server (NotFound): namespaces "nope" not found\n'


async def test_get_watches_until_it_is_stopped(podlab: Podlab, admin: Client) -> None:
    await admin.create(Namespace(metadata={"name": "one"}))
    process = await podlab.start("get", "ns", "-w")
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        while b"one" not in await process.stdout.readline():
            pass
        await admin.create(Namespace(metadata={"name": "two"}))
        while b"two" not in await process.stdout.readline():
            pass
        process.terminate()
        await process.wait()


async def test_create_makes_objects_once(podlab: Podlab, admin: Client) -> None:
    assert await podlab.ok("create", "namespace", "team") == "namespace/team created\n"
    assert await podlab.fails("create", "namespace", "team") == (
        'Error from server (AlreadyExists): failed to create namespace: namespaces "team" already exists\n'
    )
    podlab.write("file.txt", "text\n")
    arguments = ("--from-literal", "a=1", "--from-file", "file.txt", "--from-file", "b=file.txt", "-n", "team")
    assert await podlab.ok("create", "configmap", "c", *arguments) == "configmap/c created\n"
    assert dict((await admin.get(ConfigMap, "c", "team")).data) == {"a": "1", "b": "text\n", "file.txt": "text\n"}
    await podlab.ok("create", "secret", "generic", "s", "--from-literal", "p=w", "--dry-run", "server")
    assert "not found" in await podlab.fails("get", "secret", "s")
    assert (
        await podlab.ok("create", "deployment", "web", "--image", "i:1", "-r", "2") == "deployment.apps/web created\n"
    )
    podlab.write("cms.yaml", config("x") + "---\n" + config("c2") + "---\n" + config("X_bad"))
    assert "X_bad" in await podlab.fails("create", "-f", "cms.yaml")
    assert "not found" in await podlab.fails("get", "cm", "x")


async def test_delete_waits_until_objects_are_gone(podlab: Podlab, admin: Client) -> None:
    podlab.write("all.yaml", config("a") + "---\n" + config("b") + "---\n" + config("c"))
    await podlab.ok("create", "-f", "all.yaml")
    assert await podlab.ok("delete", "cm", "a") == 'configmap "a" deleted\n'
    held = await admin.get(ConfigMap, "b", "default")
    held.metadata.finalizers.append("example.com/held")
    await admin.update(held)
    message = await podlab.fails("delete", "cm", "b", "--timeout", "0.5")
    assert message == "error: configmaps/b is still there after 0.5 s: finalizers hold it: example.com/held\n"
    waiting = asyncio.create_task(podlab("delete", "-f", "all.yaml", "--ignore-not-found"))
    await asyncio.sleep(0)
    held = await admin.get(ConfigMap, "b", "default")
    del held.metadata.finalizers[:]
    await admin.update(held)
    assert (await waiting).code == 0
    assert not (await admin.list(ConfigMap, "default")).items
    assert 'configmaps "a" not found' in await podlab.fails("delete", "cm/a")
    assert "say which: a name, a selector with -l, or --all" in await podlab.fails("delete", "cm")


async def test_describe_tells_about_an_object_and_its_events(podlab: Podlab) -> None:
    await podlab.ok("apply", "-f", "-", stdin=WEB.encode())
    out = await podlab.ok("describe", "deploy/web", "svc/web", "ns/default")
    assert "Replicas:               2 desired | 0 updated | 0 total | 0 available | 0 unavailable" in out
    assert "RollingUpdateStrategy:  25% max unavailable, 25% max surge" in out
    assert "      Image:        podlab.local/hello:1.0" in out
    assert "Port:                     <unset> 80/TCP" in out
    assert "Status:       Active" in out


async def test_the_cluster_tells_who_and_where(podlab: Podlab, cluster: Cluster) -> None:
    out = await podlab.ok("cluster-info")
    assert f"Cluster test: the control plane runs at {cluster.server}" in out
    assert "You are kubernetes-admin (groups system:authenticated, system:masters)" in out
    assert "Server Version: " in await podlab.ok("version")
    listed = await podlab.ok("api-resources")
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in [line.split() for line in listed.splitlines()]


async def test_a_server_that_is_away_is_named_in_one_line(podlab: Podlab, cluster: Cluster) -> None:
    await cluster.stop()
    message = await podlab.fails("get", "pods")
    assert message.startswith(f"error: the API server at {cluster.server} cannot be reached: ")
    assert "Connection refused: is the cluster up? (`make up`, `podlab lab list`)" in message
    assert message.count("\n") == 1


async def test_without_a_cluster_the_way_to_one_is_named(podlab: Podlab) -> None:
    message = await podlab.fails("get", "pods", "--cluster", "nope")
    assert "no .podlab/nope in" in message
    assert "make up" in message
    (podlab.directory / ".podlab/test/client.yaml").unlink()
    message = await podlab.fails("get", "pods")
    assert "client.yaml: cannot be read" in message
    assert message.endswith("bring the cluster up with `make up`\n")


async def test_a_wrong_command_line_is_a_usage_error(podlab: Podlab) -> None:
    result = await podlab("get", "--frobnicate")
    assert result.code == 2
    assert "No such option" in result.err
    assert (await podlab("frobnicate")).code == 2
    assert 'doesn\'t have a resource type "foo"' in await podlab.fails("get", "foo")
