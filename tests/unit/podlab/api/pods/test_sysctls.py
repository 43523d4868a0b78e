from __future__ import annotations

import pytest

from podlab.api.pods import sysctls
from podlab.core.v1 import pod_pb2


def spec(*names: str, **fields: bool) -> pod_pb2.PodSpec:
    made = pod_pb2.PodSpec(**fields)
    for name in names:
        made.securityContext.sysctls.add(name=name, value="1")
    return made


@pytest.mark.parametrize(
    ("name", "dotted"),
    [
        ("net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem"),
        ("net/ipv4/tcp_rmem", "net.ipv4.tcp_rmem"),
        ("net/ipv4/conf/eth0.1/arp_filter", "net.ipv4.conf.eth0/1.arp_filter"),
        ("net.ipv4.conf.eth0/1.arp_filter", "net.ipv4.conf.eth0/1.arp_filter"),
        ("vm", "vm"),
    ],
)
def test_a_name_is_given_to_the_runtime_with_dots(name: str, dotted: str) -> None:
    assert sysctls.with_dots(name) == dotted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (spec(), ""),
        (spec("kernel.shm_rmid_forced", "net/ipv4/tcp_rmem"), ""),
        (spec("kernel.shm_rmid_forced", "kernel.msgmax"), '"kernel.msgmax" not allowlisted'),
        (spec("net.ipv4.tcp_rmem", hostNetwork=True), '"net.ipv4.tcp_rmem" not allowed with host net enabled'),
        (spec("kernel.shm_rmid_forced", hostIPC=True), '"kernel.shm_rmid_forced" not allowed with host ipc enabled'),
        (spec("kernel.shm_rmid_forced", hostNetwork=True), ""),
    ],
)
def test_a_pod_gets_what_changes_nothing_for_others_and_is_its_own(given: pod_pb2.PodSpec, told: str) -> None:
    assert sysctls.forbidden(given) == told
