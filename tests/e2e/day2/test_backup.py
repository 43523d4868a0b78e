"""A master loses its store, and all of it; what backup.yml brought comes back, and pods have answered all the while."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import Traffic, nodes_ready, wait_until
from podlab_testing.own_clusters import MakeCluster, OwnCluster, ready
from podlab_testing.own_labs import own_lab
from podlab_testing.source_code import PROJECT

from podlab.lab.spec import LabSpec

READY_WITHIN_S = 60


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    """One master, one node, an app on it, a Secret."""
    made = make_cluster(LabSpec(name=own_lab("y").name, masters=1, nodes=1), {})
    made.deploy()
    made.pod_everywhere("web")
    made.cli("create", "secret", "generic", "s", "--from-literal=k=v")
    return made


@pytest.fixture(scope="module")
def archive(cluster: OwnCluster) -> Path:
    """What backup.yml fetched; after it, a ConfigMap was made."""
    outcome = cluster.play("backup.yml", "-vvv")
    assert outcome.code == 0, outcome.text[-4000:]
    found = re.search(r"archive: (\S+\.tar)\n", outcome.text)
    assert found, outcome.text[-2000:]
    secrets = (PROJECT / ".podlab" / cluster.lab.name / "pki/encryption").glob("*.key")
    assert not [path for path in secrets if path.read_text().strip() in outcome.text], "a key is in the log"
    cluster.cli("create", "configmap", "later", "--from-literal=k=v")
    return Path(found[1])


@pytest.fixture
def traffic(cluster: OwnCluster) -> Iterator[Traffic]:
    port = cluster.cli.get("service", "web")["spec"]["ports"][0]["nodePort"]
    with Traffic([f"http://{cluster.addresses()['n1']}:{port}/"]) as asking:
        yield asking


def pods(cluster: OwnCluster) -> dict[str, str]:
    """uid to container of each pod of the app."""
    found = cluster.cli.items("pods", "-l", "app=web")
    return {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in found}


def test_the_timer_has_backed_the_store_up_and_its_age_is_told(cluster: OwnCluster) -> None:
    def age() -> re.Match[str] | None:
        return re.search(r"Store backed up on m1 \d+s ago", cluster.cli("info"))

    wait_until(age, "podlab info tells of a backup", READY_WITHIN_S)
    told = cluster.on("m1", "stat -c '%U %a' /var/lib/podlab/backups/*.archive | sort -u")
    assert told == "podlab-apiserver 600"
    newest = cluster.on("m1", "ls /var/lib/podlab/backups/*.archive | tail -n 1")
    assert "verified" in cluster.on("m1", f"/opt/podlab/venv/bin/podlab-store verify {newest}")


def test_an_archive_is_its_owner_s_alone(archive: Path) -> None:
    assert (archive.stat().st_mode & 0o777, archive.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_living_cluster_is_not_overwritten(cluster: OwnCluster, archive: Path) -> None:
    before = pods(cluster)
    outcome = cluster.play("restore.yml", "-e", f"backup={archive}")
    assert outcome.code != 0
    assert "m1 has a cluster: its API server runs" in " ".join(outcome.text.split())
    assert not outcome.changed
    assert pods(cluster) == before


def test_a_lost_store_comes_back_and_pods_answer_meanwhile(
    cluster: OwnCluster, archive: Path, traffic: Traffic
) -> None:
    before = pods(cluster)
    cluster.on("m1", "systemctl stop podlab-apiserver && rm -r /var/lib/podlab/apiserver /var/lib/podlab/backups")
    outcome = cluster.play("restore.yml", "-e", f"backup={archive}")
    assert outcome.code == 0, outcome.text[-4000:]
    assert re.search(r"all \d+ objects that do not change by themselves are there", outcome.text)
    assert cluster.cli.get("secret", "s")["data"] == {"k": "dg=="}
    assert cluster.cli.run("get", "configmap", "later").returncode != 0
    wait_until(lambda: nodes_ready(cluster.cli), "the node is ready", READY_WITHIN_S)
    assert pods(cluster) == before, "pods were started anew"
    assert traffic.answers
    assert traffic.failures == []


def test_a_master_that_is_bare_and_a_controller_without_keys_get_all_from_the_archive(
    cluster: OwnCluster, archive: Path
) -> None:
    kept = archive.rename(PROJECT / ".podlab" / f"{cluster.lab.name}.tar")
    try:
        outcome = cluster.play("reset.yml")
        assert outcome.code == 0, outcome.text[-4000:]
        pki = PROJECT / ".podlab" / cluster.lab.name / "pki"
        authority = (pki / "ca.crt").read_text()
        pki.rename(pki.with_name("lost"))
        outcome = cluster.play("restore.yml", "-e", f"backup={kept}")
        assert outcome.code == 0, outcome.text[-4000:]
        assert (pki / "ca.crt").read_text() == authority
        assert cluster.cli.get("secret", "s")["data"] == {"k": "dg=="}
        wait_until(lambda: all(map(ready, cluster.cli.items("pods", "-l", "app=web"))), "the pod runs", READY_WITHIN_S)
        cluster.ask_node_port("web", "n1")
        assert not cluster.play("site.yml").changed
    finally:
        kept.unlink()
