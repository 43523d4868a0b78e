"""Every playbook with --check, on bare hosts and on a living cluster: it foretells what a run changes.

It changes nothing itself, and where a run leads somewhere, a second one finds nothing to do. At the end the hosts are
as bare as at the beginning.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from podlab_testing.deployed import Cli, nodes_ready, wait_until
from podlab_testing.host_state import difference, host_state
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome
from podlab_testing.source_code import PROJECT

from podlab.lab.spec import LabSpec

HOSTS = ("m1", "n1", "n2")
READY_WITHIN_S = 90
# Of a host that lives: what stays as it is while nobody changes it.
STAYS = ("package ", "content ", "passwd ", "group ", "unit-file ", "file /etc/", "file /opt/", "file /usr/", "rule ")


@dataclass(frozen=True)
class Asked:
    """A playbook as it is run: `again` says whether a run after it finds something to change, too."""

    playbook: str
    options: tuple[str, ...] = ()
    changes: bool = True
    again: bool = False

    def __str__(self) -> str:
        return " ".join([self.playbook, *(option for option in self.options if option != "-e")])


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    """Not deployed yet."""
    return make_cluster(LabSpec(name=own_lab("y").name, masters=1, nodes=2), {"ingress": ["n1"]})


@pytest.fixture(scope="module")
def bare(cluster: OwnCluster) -> dict[str, list[str]]:
    """The hosts before anything was deployed."""
    return {host: host_state(cluster.lab, host) for host in HOSTS}


def controller(cluster: OwnCluster) -> dict[str, str]:
    """What this machine keeps of the cluster, but for what was packed."""
    folder = PROJECT / ".podlab" / cluster.lab.name
    files = [path for path in folder.rglob("*") if path.is_file() and "release" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def living(cluster: OwnCluster) -> dict[str, list[str]]:
    states = {host: host_state(cluster.lab, host) for host in HOSTS}
    return {host: [line for line in lines if line.startswith(STAYS)] for host, lines in states.items()}


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    return {host: found for host in before if (found := difference(before[host], after[host]))}


def run(cluster: OwnCluster, asked: Asked, *more: str) -> Outcome:
    outcome = cluster.play(asked.playbook, *asked.options, *more)
    assert outcome.code == 0, f"{asked} {' '.join(more)}: {outcome.text[-4000:]}"
    return outcome


def until_ready(cluster: OwnCluster) -> None:
    """By a client that knows the authority of now."""
    wait_until(lambda: nodes_ready(Cli(cluster.lab.name)), "the nodes are Ready", READY_WITHIN_S)


def names(changed: set[tuple[str, str]]) -> list[str]:
    return sorted(f"{host}: {task}" for task, host in changed)


@pytest.mark.parametrize(
    ("playbook", "options", "why"),
    [
        ("add-node.yml", ["-e", "node=n2"], "no API server of"),
        ("remove-node.yml", ["-e", "node=n2"], "this machine has deployed no cluster"),
        ("backup.yml", [], "no API server is here to be backed up"),
        ("restore.yml", [], "say which archive of backup.yml"),
        ("upgrade.yml", [], "runs no release of Podlab: run site.yml"),
        ("reconfigure.yml", [], "runs release none"),
        ("rotate-certs.yml", [], "are not a certificate and its key"),
        ("rotate-keys.yml", [], "are not a certificate and its key"),
    ],
)
@pytest.mark.parametrize("check", [["--check"], []], ids=["check", "run"])
def test_what_needs_a_cluster_says_so_on_bare_hosts_and_changes_nothing(
    cluster: OwnCluster, bare: dict[str, list[str]], playbook: str, options: Sequence[str], why: str, check: list[str]
) -> None:
    kept = controller(cluster)
    outcome = cluster.play(playbook, *options, *check)
    assert outcome.code != 0, outcome.text
    assert why in " ".join(outcome.text.split()), outcome.text
    assert names(outcome.changed) == []
    assert controller(cluster) == kept


@pytest.mark.parametrize("asked", [Asked("preflight.yml"), Asked("reset.yml")], ids=str)
def test_what_has_nothing_to_do_on_bare_hosts_does_nothing(cluster: OwnCluster, asked: Asked) -> None:
    for check in (["--check"], []):
        assert names(run(cluster, asked, *check).changed) == []


def test_bare_hosts_are_as_before_all_that(cluster: OwnCluster, bare: dict[str, list[str]]) -> None:
    assert differences(bare, {host: host_state(cluster.lab, host) for host in HOSTS}) == {}


def test_a_deployment_does_what_its_check_foretold(cluster: OwnCluster, bare: dict[str, list[str]]) -> None:
    check = run(cluster, Asked("site.yml"), "--check")
    assert differences(bare, {host: host_state(cluster.lab, host) for host in HOSTS}) == {}
    assert names(run(cluster, Asked("site.yml")).changed) == names(check.changed)
    cluster.pod_everywhere("web")


LIVING = (
    Asked("site.yml", changes=False),
    *(Asked("site.yml", ("--limit", "n1", "--tags", tag), changes=False) for tag in ("network", "node", "preflight")),
    Asked("site.yml", ("--limit", "m1", "--tags", "master"), changes=False),
    Asked("site.yml", ("--tags", "runtime,dns"), changes=False),
    Asked("preflight.yml", changes=False),
    Asked("migrate-store.yml", changes=False),
    Asked("upgrade.yml", changes=False),
    Asked("reconfigure.yml", ("--diff",), changes=False),
    Asked("reconfigure.yml", ("-e", '{"node_labels": {"rack": "7"}}')),
    Asked("reconfigure.yml"),
    Asked("backup.yml", again=True),
    Asked("rotate-certs.yml", ("--limit", "n1"), again=True),
    Asked("rotate-certs.yml", again=True),
    Asked("rotate-certs.yml", ("-e", "ca=trust")),
    Asked("rotate-certs.yml", ("-e", "ca=true"), again=True),
    Asked("rotate-keys.yml", again=True),
    Asked("rotate-keys.yml", ("-e", "what=service-accounts", "-e", "retire=true")),
    Asked("rotate-keys.yml", ("-e", "what=secrets"), again=True),
    Asked("rotate-keys.yml", ("-e", "what=signing"), again=True),
    Asked("remove-node.yml", ("-e", "node=n2")),
    Asked("add-node.yml", ("-e", "node=n1,n2")),
)


@pytest.mark.parametrize("asked", LIVING, ids=str)
def test_a_living_cluster_gets_what_a_check_foretold_and_a_second_run_finds_nothing(
    cluster: OwnCluster, bare: dict[str, list[str]], asked: Asked
) -> None:
    before, kept = living(cluster), controller(cluster)
    check = run(cluster, asked, "--check")
    assert differences(before, living(cluster)) == {}
    assert controller(cluster) == kept
    changed = run(cluster, asked).changed
    assert names(changed) == names(check.changed)
    assert bool(changed) == asked.changes
    if not asked.again:
        assert names(run(cluster, asked).changed) == []
    until_ready(cluster)


def test_only_the_hosts_of_a_run_get_certificates(cluster: OwnCluster) -> None:
    """Others may not be in the cluster yet, or no more."""
    folder = PROJECT / ".podlab" / cluster.lab.name / "pki"
    gone = folder / "n2/proxy.crt"
    content = gone.read_bytes()
    gone.unlink()
    run(cluster, Asked("site.yml"), "--limit", "n1", "--tags", "network")
    assert not gone.exists()
    gone.write_bytes(content)
    assert names(run(cluster, Asked("site.yml")).changed) == []


def test_an_archive_is_restored_as_its_check_foretold(cluster: OwnCluster) -> None:
    run(cluster, Asked("backup.yml"))
    backups = PROJECT / ".podlab" / cluster.lab.name / "backups"
    newest = max(backups.glob("*.tar"), key=lambda path: path.stat().st_mtime)
    asked = Asked("restore.yml", ("-e", json.dumps({"backup": str(newest), "restore_overwrite": True})))
    check = run(cluster, asked, "--check")
    assert names(run(cluster, asked).changed) == names(check.changed)
    until_ready(cluster)
    assert names(run(cluster, Asked("site.yml")).changed) == []


def test_hosts_are_bare_again_as_the_check_foretold(cluster: OwnCluster, bare: dict[str, list[str]]) -> None:
    asked = Asked("reset.yml")
    before = living(cluster)
    check = run(cluster, asked, "--check")
    assert differences(before, living(cluster)) == {}
    assert names(run(cluster, asked).changed) == names(check.changed)
    assert differences(bare, {host: host_state(cluster.lab, host) for host in HOSTS}) == {}
    assert names(run(cluster, asked).changed) == []


def test_every_playbook_is_tried() -> None:
    tried = {asked.playbook for asked in LIVING} | {"restore.yml", "reset.yml"}
    elsewhere = {"support-bundle.yml", "doctor.yml"}  # run below `podlab` commands; they change nothing
    elsewhere |= {"bundle.yml", "migrate-store.yml"}  # have tests of their own, with hosts of their own
    found = {path.name for path in Path(PROJECT, "playbooks").glob("*.yml")}
    assert found - tried - elsewhere == set()
