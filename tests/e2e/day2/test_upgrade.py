"""upgrade.yml to newer releases and reconfigure.yml, while an app is asked all the time: what must not be done is
refused by name, and a release that does not start is taken back.

The tests build on each other, in this order: from release to release takes too long to begin anew for each.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.deployed import Traffic, Web, deployment, pod, service, wait_until
from podlab_testing.other_releases import OtherRelease, following
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab

from podlab import __version__
from podlab.lab.spec import LabSpec

PODS = 4
# A kubelet that begins and ends: systemd starts it again and again.
BROKEN = "\n\ndef main() -> None:\n    raise SystemExit('this kubelet is broken')\n"
# The processes of all services, which a change that is refused must not touch.
PROCESSES = "systemctl show --property=Id,MainPID 'podlab-*.service' containerd.service"


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    made = make_cluster(LabSpec(name=own_lab("y").name, masters=1, nodes=2), {})
    made.deploy()
    return made


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> OtherRelease:
    """One minor release after this one."""
    return OtherRelease.copied(tmp_path_factory.mktemp("newer"), following(1))


@pytest.fixture(scope="module")
def web(cluster: OwnCluster) -> Web:
    """An app on both nodes, asked at both for as long as these tests run; no request may be lost."""
    cluster.cli("apply", "-f", "-", stdin=f"{deployment('web', PODS)}---\n{service('web', node_port=True)}")
    port = cluster.cli.get("service", "web")["spec"]["ports"][0]["nodePort"]
    addresses = cluster.addresses()
    made = Web(cluster.cli, "default", [f"http://{addresses[name]}:{port}/" for name in ("n1", "n2")])
    wait_until(lambda: len(made.containers()) == PODS and made.answers_everywhere(), "the app answers")
    return made


def versions(cluster: OwnCluster) -> dict[str, str]:
    """Podlab's version on each host, as `podlab info` tells it."""
    rows = [line.split() for line in cluster.cli("info").splitlines() if "+podlab." in line]
    return {host: release.split("+podlab.")[1].rpartition(".")[0] for host, _, release, *_ in rows}


def processes(cluster: OwnCluster) -> dict[str, dict[str, str]]:
    """The process of each service, by host."""
    found = {}
    for host in ("m1", "n1", "n2"):
        parts = [part.splitlines() for part in cluster.on(host, PROCESSES).split("\n\n")]
        shown = [dict(line.split("=", 1) for line in part) for part in parts]
        found[host] = {each["Id"].removesuffix(".service"): each["MainPID"] for each in shown}
    return found


def test_what_must_not_be_done_is_refused_by_name_before_anything_changes(
    cluster: OwnCluster, newer: OtherRelease, tmp_path: Path
) -> None:
    before = processes(cluster)
    nodes_first = newer.play(cluster.lab.name, "upgrade.yml", "--limit", "nodes")
    assert "would be newer than the API server" in " ".join(nodes_first.text.split())
    far = OtherRelease.copied(tmp_path / "far", following(2)).play(cluster.lab.name, "site.yml")
    assert f"upgrade to a release {following(1).rpartition('.')[0]} of Podlab first" in " ".join(far.text.split())
    other_settings = newer.play(cluster.lab.name, "reconfigure.yml")
    assert "settings belong to their release. Run upgrade.yml first" in " ".join(other_settings.text.split())
    for outcome in (nodes_first, far, other_settings):
        assert outcome.code != 0
        assert {task for task, _ in outcome.changed} <= {"Pack what the hosts get"}, outcome.text[-3000:]
    assert processes(cluster) == before


def test_a_check_tells_what_an_upgrade_does_and_changes_nothing(
    cluster: OwnCluster, newer: OtherRelease, web: Web
) -> None:
    before = processes(cluster)
    outcome = newer.play(cluster.lab.name, "upgrade.yml", "--check")
    assert outcome.code == 0, outcome.text[-3000:]
    for number, host in enumerate(("m1", "n1", "n2"), start=1):
        assert f"{number}. {host} goes from v1.36.0+podlab.{__version__}" in " ".join(outcome.text.split())
    used = {host for task, host in outcome.changed if task == "The release that is there is the one in use"}
    assert used == {"m1", "n1", "n2"}
    assert processes(cluster) == before


def test_an_upgrade_loses_no_request_and_a_new_api_server_serves_old_kubelets(
    cluster: OwnCluster, newer: OtherRelease, web: Web
) -> None:
    before = web.containers()
    with Traffic(web.urls) as traffic:
        outcome = newer.play(cluster.lab.name, "upgrade.yml", "--limit", "masters")
        assert outcome.code == 0, outcome.text[-4000:]
        assert versions(cluster) == {"m1": following(1), "n1": __version__, "n2": __version__}
        cluster.cli("apply", "-f", "-", stdin=pod("skewed"))
        wait_until(lambda: "skewed" in {name for name, *_ in containers(cluster)}, "an old kubelet runs a new pod")
        outcome = newer.play(cluster.lab.name, "upgrade.yml")
        assert outcome.code == 0, outcome.text[-4000:]
    print(f"\n{len(traffic.answers)} answers, {len(traffic.failures)} failed")
    assert traffic.failures == []
    assert web.containers() == before
    assert versions(cluster) == dict.fromkeys(("m1", "n1", "n2"), following(1))
    again = newer.play(cluster.lab.name, "upgrade.yml")
    assert (again.code, again.changed) == (0, set()), again.text[-4000:]


def containers(cluster: OwnCluster) -> list[tuple[str, str]]:
    return [
        (each["metadata"]["name"], status["containerID"])
        for each in cluster.cli.items("pods")
        for status in each["status"].get("containerStatuses", [])
        if status["ready"]
    ]


def test_changed_variables_restart_what_reads_them_and_nothing_else(
    cluster: OwnCluster, newer: OtherRelease, web: Web
) -> None:
    before, pods = processes(cluster), web.containers()
    outcome = newer.play(cluster.lab.name, "reconfigure.yml", "-e", "podlab_pod_cidr=10.200.0.0/16")
    told = " ".join(outcome.text.split())
    assert "podlab_pod_cidr is 10.200.0.0/16, but the cluster was made with 10.244.0.0/16" in told
    assert (outcome.code != 0, processes(cluster)) == (True, before)
    outcome = newer.play(cluster.lab.name, "reconfigure.yml", "-e", '{"node_labels": {"rack": "7"}}')
    assert outcome.code == 0, outcome.text[-4000:]
    changed = {
        (host, name) for host, now in processes(cluster).items() for name in now if now[name] != before[host][name]
    }
    assert changed == {("n1", "podlab-kubelet"), ("n2", "podlab-kubelet")}
    assert {each["metadata"]["labels"].get("rack") for each in cluster.cli.items("nodes")} == {"7"}
    assert web.containers() == pods


def test_a_release_that_does_not_start_is_taken_back_and_the_run_ends_there(
    cluster: OwnCluster, web: Web, tmp_path: Path
) -> None:
    broken = OtherRelease.copied(tmp_path / "broken", following(1, 1), {"node/kubelet/main.py": BROKEN})
    before, pods = processes(cluster), web.containers()
    with Traffic(web.urls) as traffic:
        outcome = broken.play(cluster.lab.name, "upgrade.yml", "-e", '{"node_labels": {"rack": "7"}}')
    told = " ".join(outcome.text.split())
    assert outcome.code != 0
    assert "n1 did not become well, and is again as it was before" in told
    assert "this kubelet is broken" in told
    assert versions(cluster) == {"m1": following(1, 1), "n1": following(1), "n2": following(1)}
    assert processes(cluster)["n2"] == before["n2"]
    assert (traffic.failures, web.containers()) == ([], pods)
    assert cluster.on("n1", "ls -A /opt/podlab") == "releases\nvenv"
