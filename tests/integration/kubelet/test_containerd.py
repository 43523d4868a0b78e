"""What a real containerd makes of a pod's control group and of its profiles."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from podlab_testing import containerd
from podlab_testing.containerd import SANDBOX_IMAGE, OwnContainerd
from podlab_testing.kubelet_pods import Json, make_pod

from node.kubelet.cgroups import groups, layout
from node.kubelet.cgroups.groups import Groups
from node.kubelet.containerconfig import container_config
from node.kubelet.containerconfig.container_config import ContainerAttempt
from node.kubelet.containerconfig.linux_resources import NodeMemory
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.cri.containerd import Containerd
from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.logs import log_files
from node.resolvconf import ResolvConf
from podlab.core.v1 import pod_pb2
from podlab.deploy.images import build

IMAGE = "podlab.local/hello:1.0"
MIB = 1 << 20
NO_DIRECTORIES = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not containerd.CONTAINERD.exists(),
    reason="containerd needs root; `scripts/bootstrap servers` installs it",
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnContainerd]:
    monkeypatch.setattr(log_files, "LOG_ROOT", tmp_path / "logs")
    with containerd.running_containerd() as running:
        for name in (IMAGE, SANDBOX_IMAGE):
            running.ctr("images", "import", str(build(name, tmp_path)))
        yield running


@pytest.fixture
async def runtime(own: OwnContainerd) -> AsyncIterator[Containerd]:
    made = Containerd(own.endpoint)
    yield made
    for pod in (await made.pods()).values():
        for sandbox in pod.sandboxes:
            await made.stop_sandbox(sandbox.id)
            await made.remove_sandbox(sandbox.id)
    await made.close()


@pytest.fixture
def kernel() -> Iterator[Groups]:
    yield Groups(groups.mounted())
    for each in groups.mounted():
        with contextlib.suppress(OSError):  # pods of other kubelets may be there
            (each.path / layout.ROOT.lstrip("/")).rmdir()


def _pod(context: Json) -> pod_pb2.Pod:
    """One that needs no network of its own."""
    sleeping = {"name": "web", "image": IMAGE, "command": ["sleep", "600"], "securityContext": context}
    limits = {"limits": {"cpu": "500m", "memory": "64Mi"}}
    return make_pod(meta={"uid": str(uuid.uuid4())}, containers=[sleeping], resources=limits, hostNetwork=True)


async def _start(runtime: Containerd, pod: pod_pb2.Pod, seccomp: Path) -> str:
    log_files.log_directory(pod).mkdir(parents=True)
    sandbox_config = container_config.sandbox_config(pod, 0, ResolvConf())
    sandbox = await runtime.run_sandbox(sandbox_config, "")
    (log_files.log_directory(pod) / "web").mkdir()
    config = container_config.container_config(
        pod,
        pod.spec.containers[0],
        ContainerAttempt(0, 0),
        environment={},
        mounts=[],
        memory=NodeMemory(1 << 30),
        seccomp=SeccompProfiles(seccomp),
    )
    made = await runtime.create_container(sandbox, config, sandbox_config)
    await runtime.start_container(made)
    return made


async def test_containers_are_in_the_group_of_their_pod_until_it_goes(
    runtime: Containerd, kernel: Groups, tmp_path: Path
) -> None:
    pod = _pod({})
    group = layout.path(pod)
    kernel.write(group, layout.of_pod(pod))
    try:
        made = await _start(runtime, pod, tmp_path)
        own = (await runtime.exec_sync(made, ["cat", "/proc/self/cgroup"], 10)).output.decode()
        assert f"{group}/{made}" in own
        assert kernel.memory_used(group) > 0
        if not groups.mounted()[0].unified:  # in v2 it would end what runs
            with pytest.raises(OSError, match="busy"):
                kernel.remove(group)
        observed = await runtime.pod(pod.metadata.uid)
        assert observed.sandbox is not None
        await runtime.stop_sandbox(observed.sandbox.id)
        await runtime.remove_sandbox(observed.sandbox.id)
    finally:
        kernel.remove(group)
    assert kernel.limits(group) == {}


async def test_a_filter_of_a_file_holds_and_a_file_that_is_missing_is_named(
    runtime: Containerd, kernel: Groups, tmp_path: Path
) -> None:
    pod = _pod({"seccompProfile": {"type": "Localhost", "localhostProfile": "no-directories.json"}})
    try:
        with pytest.raises(RuntimeFailure, match=f"{tmp_path}/no-directories.json"):
            await _start(runtime, pod, tmp_path)
        (tmp_path / "no-directories.json").write_text(json.dumps(NO_DIRECTORIES))
        pod.metadata.uid = str(uuid.uuid4())
        made = await _start(runtime, pod, tmp_path)
        assert b"Seccomp:\t2" in (await runtime.exec_sync(made, ["grep", "Seccomp:", "/proc/self/status"], 10)).output
        refused = await runtime.exec_sync(made, ["mkdir", "/directory"], 10)
        assert (refused.exit_code, b"Operation not permitted" in refused.output) == (1, True)
    finally:
        for observed in (await runtime.pods()).values():
            for sandbox in observed.sandboxes:
                await runtime.stop_sandbox(sandbox.id)
                await runtime.remove_sandbox(sandbox.id)
            kernel.remove(f"{layout.CLASSES['Guaranteed']}/{layout.name(observed.uid)}")
