"""Processes are their pods', however control groups are nested and named."""

from __future__ import annotations

import pytest

from node.kubelet.disk import processes

UID = "0b8c7f0e-2b4b-4c39-9a0c-6a1f0e3c7d55"
ID = "3f" * 32


@pytest.mark.parametrize(
    "groups",
    [
        f"0::/kubepods/besteffort/pod{UID}/{ID}\n",
        f"12:memory:/kubepods/pod{UID}/{ID}\n1:name=systemd:/kubepods/pod{UID}/{ID}\n",
        f"0::/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/cri-containerd-{ID}.scope\n",
        f"0::/machine.slice/n1/kubepods/burstable/pod{UID}/{ID}\n",
    ],
)
def test_pod_and_container_are_read_from_the_names(groups: str) -> None:
    found = processes.parsed(7, groups)
    assert found is not None
    assert (found.pid, found.pod_uid, found.container_id) == (7, UID, ID)


@pytest.mark.parametrize("below", ["", "/init.scope", "/docker/" + "4e" * 32])
def test_what_a_container_makes_of_its_group_is_the_container_s(below: str) -> None:
    found = processes.parsed(7, f"0::/kubepods/pod{UID}/{ID}{below}\n")
    assert found is not None
    assert (found.container_id, found.groups) == (ID, f"0::/kubepods/pod{UID}/{ID}\n")


@pytest.mark.parametrize("groups", ["0::/system.slice/podlab-kubelet.service\n", "0::/\n", ""])
def test_others_are_no_pod_s(groups: str) -> None:
    assert processes.parsed(7, groups) is None


async def test_this_machine_s_processes_can_be_read() -> None:
    assert all(count > 0 for count in (await processes.by_pod()).values())
