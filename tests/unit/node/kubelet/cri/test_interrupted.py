from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2

from node.kubelet.cri import interrupted
from node.kubelet.cri.containerd import Containerd
from node.kubelet.cri.interrupted import InterruptedCalls, remove_namespace, served_by, started_at, unused_namespaces
from node.probing import attachment
from podlab.foreign.containerd.v1 import leases_pb2, leases_pb2_grpc
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.foreign.cri.v1 import api_pb2_grpc

LATER = time.time() + 3600


class FakeContainerd(leases_pb2_grpc.LeasesServicer, api_pb2_grpc.RuntimeServiceServicer):
    """One sandbox, whose namespace is cni-owned, and leases by id: when they were made, and whether they expire."""

    def __init__(self) -> None:
        self.leases = {"old": (10, True), "kept": (10, False), "new": (int(LATER) + 100, True)}

    async def List(self, request: object, context: object) -> leases_pb2.ListLeasesResponse:  # noqa: N802
        answer = leases_pb2.ListLeasesResponse()
        for name, (made, expires) in self.leases.items():
            lease = answer.leases.add(id=name, labels={"containerd.io/gc.expire": "2026"} if expires else {})
            lease.created_at.FromSeconds(made)
        return answer

    async def Delete(self, request: leases_pb2.DeleteLeaseRequest, context: object) -> empty_pb2.Empty:  # noqa: N802
        assert request.sync
        del self.leases[request.id]
        return empty_pb2.Empty()

    async def ListPodSandbox(self, request: object, context: object) -> cri.ListPodSandboxResponse:  # noqa: N802
        return cri.ListPodSandboxResponse(items=[cri.PodSandbox(id="s1")])

    async def PodSandboxStatus(self, request: object, context: object) -> cri.PodSandboxStatusResponse:  # noqa: N802
        namespaces = [{"type": "pid"}, {"type": "network", "path": "/var/run/netns/cni-owned"}]
        info = json.dumps({"runtimeSpec": {"linux": {"namespaces": namespaces}}})
        return cri.PodSandboxStatusResponse(info={"info": info})


@pytest.fixture
def directory() -> Iterator[Path]:
    """Its path is short, as those of sockets must be."""
    with TemporaryDirectory(prefix="containerd-") as made:
        yield Path(made)


@pytest.fixture
async def runtime(directory: Path) -> AsyncIterator[tuple[Containerd, FakeContainerd]]:
    server, fake = grpc.aio.server(), FakeContainerd()
    leases_pb2_grpc.add_LeasesServicer_to_server(fake, server)
    api_pb2_grpc.add_RuntimeServiceServicer_to_server(fake, server)
    server.add_insecure_port(f"unix:{directory}/socket")
    await server.start()
    runtime = Containerd(f"unix://{directory}/socket")
    yield runtime, fake
    await runtime.close()
    await server.stop(0)


async def test_what_no_sandbox_owns_goes_and_all_else_stays(
    runtime: tuple[Containerd, FakeContainerd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = tmp_path / "networks" / "podlab"
    networks.mkdir(parents=True)
    for address, owner in {"10.244.0.2": "s1", "10.244.0.3": "gone", "10.244.0.4": "podlab-probe-1"}.items():
        (networks / address).write_text(f"{owner}\r\neth0")
    (networks / "last_reserved_ip.0").write_text("10.244.0.4")
    detached = list[str]()

    async def detach(containers: list[str]) -> None:
        detached.extend(containers)

    monkeypatch.setattr(attachment, "ALLOCATIONS", tmp_path / "networks")
    monkeypatch.setattr(attachment, "detach", detach)
    monkeypatch.setattr(interrupted, "NAMED", tmp_path)
    for name in ("cni-owned", "cni-left", "podlab-other"):
        (tmp_path / name).touch()
    containerd, fake = runtime
    await InterruptedCalls(containerd).clean_up(LATER)
    assert sorted(os.listdir(tmp_path)) == ["cni-owned", "networks", "podlab-other"]
    assert detached == ["gone"]
    assert fake.leases.keys() == {"kept", "new"}


async def test_what_the_process_itself_has_made_is_not_looked_at(
    runtime: tuple[Containerd, FakeContainerd], directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment, "ALLOCATIONS", tmp_path / "none")
    monkeypatch.setattr(interrupted, "NAMED", tmp_path)
    (tmp_path / "cni-new").touch()
    containerd, fake = runtime
    process = served_by(f"unix://{directory}/socket")
    assert process.pid == os.getpid()
    assert started_at(process) == pytest.approx(psutil.Process().create_time(), abs=2)
    await InterruptedCalls(containerd).clean_up(started_at(process))
    assert (tmp_path / "cni-new").exists()
    assert fake.leases.keys() == {"kept", "new"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make network namespaces")
def test_a_namespace_goes_once_no_process_is_in_it() -> None:
    name = f"cni-test-{os.getpid()}"
    path = interrupted.NAMED / name
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        inside = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "100"], stdout=subprocess.PIPE)
        try:
            while Path(f"/proc/{inside.pid}/ns/net").stat().st_ino != path.stat().st_ino:
                time.sleep(0.01)
            assert path not in unused_namespaces(interrupted.NAMED, LATER, ())
        finally:
            inside.kill()
            inside.communicate()
        assert path not in unused_namespaces(interrupted.NAMED, LATER, [f"/var/run/netns/{name}"])
        assert path not in unused_namespaces(interrupted.NAMED, path.stat().st_ctime, ())
        assert path in unused_namespaces(interrupted.NAMED, LATER, ())
    finally:
        remove_namespace(path)
    assert not path.exists()
    remove_namespace(path)
