"""A container's files as a tar, from a real containerd: image and what was written, and nothing left mounted."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing import containerd
from podlab_testing.containerd import OwnContainerd

from node.kubelet.cri.containerd import Containerd
from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.images.container_export import ContainerExport
from node.kubelet.images.image_store import ImageStore
from node.kubelet.volume import mounter
from podlab.deploy.images import build

HELLO, CONTAINER = "podlab.local/hello:1.0", "c0ffee"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not containerd.CONTAINERD.exists(),
    reason="containerd needs root; `scripts/bootstrap servers` installs it",
)


@pytest.fixture
def own() -> Iterator[OwnContainerd]:
    with containerd.running_containerd() as running:
        yield running


@pytest.fixture
def written(own: OwnContainerd, tmp_path: Path) -> None:
    """Of a container: its layer above the image, in which a program has written, and from which it has removed."""
    own.ctr("images", "import", str(build(HELLO, tmp_path)))
    (parent,) = [
        line.split()[0] for line in own.ctr("snapshots", "list").splitlines()[1:] if _is_topmost(own, line.split()[0])
    ]
    own.ctr("snapshots", "prepare", CONTAINER, parent)
    root = tmp_path / "root"
    root.mkdir()
    command = own.ctr("snapshots", "mounts", str(root), CONTAINER)
    subprocess.run(["sh", "-c", command], check=True)
    (root / "tmp/note").write_text("written")
    (root / "hello/answer").unlink()
    os.chown(root / "tmp/note", 12345, 54321)
    subprocess.run(["umount", str(root)], check=True)


def _is_topmost(own: OwnContainerd, key: str) -> bool:
    parents = {line.split()[1] for line in own.ctr("snapshots", "list").splitlines()[1:] if len(line.split()) == 3}
    return key not in parents


@pytest.mark.usefixtures("written")
async def test_what_was_written_and_removed_is_in_the_tar(own: OwnContainerd) -> None:
    runtime = Containerd(own.endpoint)
    store, export = ImageStore(runtime, own.endpoint), ContainerExport(own.directory / "exports")
    try:
        files = await store.container_files(CONTAINER)
        content = b"".join([chunk async for chunk in export.read(files)])
        with pytest.raises(RuntimeFailure, match="not found"):
            await store.container_files("none")
    finally:
        await store.close()
        await runtime.close()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        names = set(tar.getnames())
        assert {"bin/busybox", "hello/serve", "tmp/note"} <= names
        assert "hello/answer" not in names
        note = tar.getmember("tmp/note")
        assert (note.uid, note.gid, note.size) == (12345, 54321, 7)
        assert tar.getmember("bin/sh").linkname == "busybox"
    assert not mounter.mounted_below(own.directory / "exports")
    assert not list((own.directory / "exports").iterdir())


@pytest.mark.usefixtures("written")
async def test_who_stops_reading_leaves_nothing_mounted_and_neither_does_a_killed_kubelet(own: OwnContainerd) -> None:
    runtime = Containerd(own.endpoint)
    store, export = ImageStore(runtime, own.endpoint), ContainerExport(own.directory / "exports")
    try:
        files = await store.container_files(CONTAINER)
    finally:
        await store.close()
        await runtime.close()
    reading = export.read(files)
    await anext(reading)
    assert mounter.mounted_below(own.directory / "exports")
    await reading.aclose()
    assert not mounter.mounted_below(own.directory / "exports")
    mounter.read_only(own.directory / "exports/left", files.kind, files.source, files.options)
    export.remove_leftovers()
    assert not (own.directory / "exports").exists()
