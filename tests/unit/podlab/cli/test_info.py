"""How far an upgrade is."""

from datetime import UTC, datetime

from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.cli.info import backups, releases
from podlab.client.leaderelection.decide import ADDRESS, BACKED_UP, VERSION
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node


def server(host: str, version: str = "") -> Lease:
    made = Lease()
    made.metadata.labels[HOSTNAME_LABEL] = host
    made.metadata.annotations[ADDRESS] = f"{host}:6443"
    if version:
        made.metadata.annotations[VERSION] = version
    return made


def node(name: str, version: str, ready: str) -> Node:
    made = Node()
    made.metadata.name, made.status.nodeInfo.kubeletVersion = name, version
    made.status.conditions.add(type="Ready", status=ready)
    return made


def test_each_host_is_told_with_the_release_that_it_runs() -> None:
    nodes = [node("n2", "v1.36.0+podlab.0.1.0", "True"), node("n1", "v1.36.0+podlab.0.2.0", "Unknown")]
    rows = releases([server("m2"), server("m1", "v1.36.0+podlab.0.2.0")], nodes)
    assert [line.split(maxsplit=2) for line in rows] == [
        ["HOST", "RUNS", "RELEASE                STATE"],
        ["m1", "apiserver", "v1.36.0+podlab.0.2.0   Lease kept"],
        ["m2", "apiserver", "not told               Lease kept"],
        ["n1", "kubelet", "v1.36.0+podlab.0.2.0   NotReady"],
        ["n2", "kubelet", "v1.36.0+podlab.0.1.0   Ready"],
    ]


def test_the_age_of_the_store_s_last_backup_is_told_for_each_server() -> None:
    backed_up = server("m1")
    backed_up.metadata.annotations[BACKED_UP] = "2026-11-30T12:00:00Z"
    assert backups([server("m2"), backed_up], datetime(2026, 11, 30, 12, 14, tzinfo=UTC)) == [
        "Store backed up on m1 14m ago",
        "Store not backed up on m2 yet: systemctl status podlab-backup.timer podlab-backup",
    ]
