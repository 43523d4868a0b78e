"""What a real containerd keeps of a call that nobody will end, and what it lets go of."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from podlab_testing import containerd
from podlab_testing.containerd import SANDBOX_IMAGE, OwnContainerd

from node.kubelet.cri import interrupted
from node.kubelet.cri.containerd import NAMESPACE, Containerd
from node.kubelet.cri.interrupted import InterruptedCalls, served_by, started_at
from node.probing import attachment
from podlab.deploy.images import build
from podlab.foreign.containerd.v1 import snapshots_pb2, snapshots_pb2_grpc
from podlab.foreign.cri.v1 import api_pb2 as cri

SNAPSHOTTER = "native"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not containerd.CONTAINERD.exists(),
    reason="containerd needs root; `scripts/bootstrap servers` installs it",
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnContainerd]:
    monkeypatch.setattr(interrupted, "NAMED", tmp_path / "none")
    monkeypatch.setattr(attachment, "ALLOCATIONS", tmp_path / "none")
    with containerd.running_containerd() as running:
        running.ctr("images", "import", "--snapshotter", SNAPSHOTTER, str(build(SANDBOX_IMAGE, tmp_path)))
        yield running


@pytest.fixture
async def runtime(own: OwnContainerd) -> AsyncIterator[Containerd]:
    made = Containerd(own.endpoint)
    yield made
    await made.close()


def _snapshots(own: OwnContainerd) -> set[str]:
    listed = own.ctr("snapshots", "--snapshotter", SNAPSHOTTER, "ls").splitlines()[1:]
    return {line.split()[0] for line in listed if not line.startswith("sha256:")}


async def test_a_snapshot_that_only_an_interrupted_call_held_is_collected(
    own: OwnContainerd, runtime: Containerd
) -> None:
    parent = own.ctr("snapshots", "--snapshotter", SNAPSHOTTER, "ls").splitlines()[1].split()[0]
    own.ctr("leases", "create", "--id", "interrupted", "--expires", "24h")
    own.ctr("leases", "create", "--id", "somebodys", "--expires", "0")
    stub = snapshots_pb2_grpc.SnapshotsStub(runtime.channel)
    for lease in ("interrupted", "somebodys"):
        request = snapshots_pb2.ViewSnapshotRequest(snapshotter=SNAPSHOTTER, key=f"of-{lease}", parent=parent)
        await stub.View(request, metadata=(*NAMESPACE, ("containerd-lease", lease)))
    assert _snapshots(own) == {"of-interrupted", "of-somebodys"}
    calls = InterruptedCalls(runtime)
    await calls.clean_up(started_at(served_by(own.endpoint)))
    assert _snapshots(own) == {"of-interrupted", "of-somebodys"}, "containerd itself may still be at it"
    await calls.clean_up(time.time() + 1)
    assert _snapshots(own) == {"of-somebodys"}


async def test_a_sandbox_in_the_hosts_network_has_no_namespace_of_its_own(
    own: OwnContainerd, runtime: Containerd, tmp_path: Path
) -> None:
    config = cri.PodSandboxConfig(metadata=cri.PodSandboxMetadata(name="a", uid="u", namespace="default"))
    config.log_directory = str(tmp_path)
    config.linux.security_context.namespace_options.network = cri.NODE
    made = await runtime.run_sandbox(config, "")
    try:
        assert await runtime.sandbox_namespaces() == {made: ""}
    finally:
        await runtime.stop_sandbox(made)
        await runtime.remove_sandbox(made)
