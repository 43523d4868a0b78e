"""`podlab image`: the real command line, API server and containerd, and a real registry on loopback."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from podlab_testing import containerd
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab
from podlab_testing.containerd import OwnContainerd

from node.kubelet.cri.containerd import Containerd
from node.kubelet.images.container_export import ContainerExport
from node.kubelet.images.image_store import ImageStore
from node.kubelet.server.images_server import ImagesServicer
from node.kubelet.worker.pod_workers import PodWorkers
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.deploy.images import build
from podlab.v1 import images_pb2_grpc

HELLO, NEWER = "podlab.local/hello:1.0", "podlab.local/hello:1.1"
# What `reader` is with the password `secret`, in the only form that docker-registry takes.
HTPASSWD = "reader:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"
PASSWORD = "U*U"
RECIPE = """FROM scratch
ARG WORD
COPY busybox /bin/busybox
RUN ["/bin/busybox", "touch", "/ran"]
ENTRYPOINT ["/bin/busybox"]
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not containerd.CONTAINERD.exists() or not containerd.REGISTRY.exists(),
    reason="containerd needs root; `scripts/bootstrap servers` installs it and docker-registry",
)


@pytest.fixture
def own() -> Iterator[OwnContainerd]:
    with containerd.running_containerd() as running:
        yield running


@pytest.fixture
def registry(tmp_path: Path, own: OwnContainerd) -> Iterator[str]:
    """One that containerd knows to speak HTTP, and that wants to know who asks."""
    directory = tmp_path / "registry"
    directory.mkdir()
    with containerd.running_registry(directory, htpasswd=HTPASSWD) as address:
        folder = own.certs / address
        folder.mkdir()
        (folder / "hosts.toml").write_text(f'server = "http://{address}"\n')
        yield address


@pytest.fixture
async def node(cluster: Cluster, admin: Client, own: OwnContainerd) -> AsyncIterator[str]:
    """Node n1, whose kubelet answers for that containerd; pods it has none."""
    runtime = Containerd(own.endpoint)
    store = ImageStore(runtime, own.endpoint, own.certs)
    pods = PodWorkers.__new__(PodWorkers)
    server = grpc.aio.server()
    servicer = ImagesServicer(pods, runtime, store, ContainerExport(own.directory / "exports"))
    images_pb2_grpc.add_ImagesServicer_to_server(servicer, server)
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    await admin.create(Node(metadata={"name": "n1"}, status=status))
    yield "n1"
    await server.stop(None)
    await store.close()
    await runtime.close()


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()[1:]]


async def test_of_an_archive_only_layers_are_sent_that_the_node_lacks(
    podlab: Podlab, node: str, tmp_path: Path
) -> None:
    first, second = build(HELLO, tmp_path), build(NEWER, tmp_path)
    told = await podlab.ok("image", "import", str(first))
    assert told.startswith(f"n1: {HELLO} (2.")
    assert told.endswith("MB sent, 0 of 2 layers there)\n")
    told = await podlab.ok("image", "import", str(second), "--node", "n1")
    assert told.startswith(f"n1: {NEWER} (")
    assert told.endswith("kB sent, 2 of 2 layers there)\n")
    assert [row[:2] for row in rows(await podlab.ok("image", "list"))] == [
        ["podlab.local/hello", "1.0"],
        ["podlab.local/hello", "1.1"],
    ]
    assert "NotFound" in await podlab.fails("image", "import", str(first), "--node", "n9")
    assert (await podlab("image", "import", "none.tar")).code == 2


async def test_an_exported_image_is_one_that_can_be_imported_under_another_name(
    podlab: Podlab, node: str, tmp_path: Path
) -> None:
    await podlab.ok("image", "import", str(build(HELLO, tmp_path)))
    await podlab.ok("image", "export", HELLO, "-o", "out.tar")
    with tarfile.open(podlab.directory / "out.tar") as tar:
        assert {"index.json", "manifest.json", "oci-layout"} <= set(tar.getnames())
    told = await podlab.ok("image", "import", "out.tar", "--tag", "web")
    assert told.startswith("n1: docker.io/library/web:latest (")
    ids = [row[2] for row in rows(await podlab.ok("image", "list"))]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert "no node has nope:1" in await podlab.fails("image", "export", "nope:1", "-o", "none.tar")
    assert not (podlab.directory / "none.tar").exists()


async def test_an_image_loses_its_names_and_goes_with_the_last(podlab: Podlab, node: str, tmp_path: Path) -> None:
    await podlab.ok("image", "import", str(build(HELLO, tmp_path)))
    await podlab.ok("image", "tag", HELLO, "web:1")
    assert await podlab.ok("image", "remove", HELLO) == f"n1: Untagged: {HELLO}\n"
    (row,) = rows(await podlab.ok("image", "list"))
    assert row[:2] == ["web", "1"]
    told = await podlab.ok("image", "remove", row[2])
    assert told.startswith("n1: Untagged: docker.io/library/web:1\nn1: Deleted: sha256:")
    assert rows(await podlab.ok("image", "list")) == []
    assert "No such image: web:1" in await podlab.fails("image", "remove", "web:1")
    assert "Invalid value" in await podlab.fails("image", "tag", "web:1", "Web Site")


async def test_what_nobody_uses_is_pruned_but_never_what_sandboxes_are_made_of(
    podlab: Podlab, node: str, tmp_path: Path
) -> None:
    for name in (HELLO, containerd.SANDBOX_IMAGE):
        await podlab.ok("image", "import", str(build(name, tmp_path)))
    assert await podlab.ok("image", "prune", "--force") == "Total reclaimed space: 0B\n"
    told = await podlab.ok("image", "prune", "--all", stdin=b"y\n")
    assert "This will remove all images without at least one container" in told
    assert f"({HELLO})\nTotal reclaimed space: 2." in told
    assert [row[0] for row in rows(await podlab.ok("image", "list"))] == ["podlab.local/pause"]
    assert "makes every pod's sandbox of it" in await podlab.fails("image", "remove", containerd.SANDBOX_IMAGE)


async def test_an_image_goes_to_a_registry_and_comes_back_for_who_may(
    podlab: Podlab, node: str, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry}/team/web:1"
    await podlab.ok("image", "import", str(build(HELLO, tmp_path)), "--tag", name)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(_login(tmp_path, registry, "wrong")))
    assert "401 Unauthorized" in await podlab.fails("image", "push", name)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(_login(tmp_path, registry, PASSWORD)))
    assert "1: digest: sha256:" in await podlab.ok("image", "push", name)
    await podlab.ok("image", "remove", name)
    told = await podlab.ok("image", "pull", name)
    assert told.startswith(f"n1: {name} (")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none.json"))
    await podlab.ok("image", "remove", name)
    assert "401 Unauthorized" in await podlab.fails("image", "pull", name)


@pytest.mark.skipif(not Path("/usr/bin/buildah").exists(), reason="`scripts/bootstrap servers` installs buildah")
async def test_an_image_is_built_here_and_given_to_the_nodes(
    podlab: Podlab, node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = f'[storage]\ndriver = "vfs"\nrunroot = "{tmp_path}/run"\ngraphroot = "{tmp_path}/images"\n'
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(podlab.write("storage.conf", storage)))
    shutil.copy("/bin/busybox", podlab.directory / "busybox")
    podlab.write("Containerfile", RECIPE)
    words = ("image", "build", "-t", "podlab.test/built:1", "--build-arg", "WORD=hello")
    assert (await podlab.ok(*words, ".")).startswith("n1: podlab.test/built:1 (")
    told = await podlab.ok(*words, ".")
    assert told.endswith("2 of 2 layers there)\n"), "what did not change is neither built nor sent again"
    assert "`buildah build` failed with exit code" in await podlab.fails(*words, "--target", "none", ".")
    podlab.write("empty/file", "")
    assert "has no Containerfile and no Dockerfile" in await podlab.fails(*words, "empty")


async def test_an_archive_that_is_none_is_refused_with_the_reason(podlab: Podlab, node: str) -> None:
    (podlab.directory / "x.tar").write_bytes(b"tar" * 1000)
    assert "x.tar is no image archive" in await podlab.fails("image", "import", "x.tar")
    with tarfile.open(podlab.directory / "old.tar", "w") as tar:
        content = json.dumps([]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    assert "cannot be imported" in await podlab.fails("image", "import", "old.tar")


def _login(directory: Path, registry: str, password: str) -> Path:
    path = directory / "auth.json"
    auth = base64.b64encode(f"reader:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    return path
