"""What a cluster lives through: it begins with one master and two nodes, and everything that is done to clusters is
done to it, while an app is asked all the time. No request may fail as long as a node is there.

The tests build on each other, in this order.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from podlab_testing.deployed import Cli, Traffic, Web, deployment, service, wait_until
from podlab_testing.host_state import difference, host_state
from podlab_testing.other_releases import OtherRelease, following
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome

from podlab.lab.spec import LabSpec

NODES = ["n1", "n2"]
PODS = 4
SETTLED_WITHIN_S = 90
# Labs call a node silent after half the usual time, which a kubelet of a busy machine may take to start anew.
VARIABLES: dict[str, object] = {"master_node_monitor_grace_s": 40}
SECRET = ["secret", "generic", "s", "--from-literal=k=v"]


@dataclass
class Story:
    """The cluster, its inventory as it is now, and who is asked all the while."""

    cluster: OwnCluster
    web: Web
    traffic: Traffic
    bare: dict[str, list[str]]
    masters: list[str] = field(default_factory=lambda: ["m1"])
    release: OtherRelease | None = None
    archive: str = ""

    @property
    def cli(self) -> Cli:
        """With the cluster's authority as it is now."""
        return Cli(self.cluster.lab.name)

    def play(self, playbook: str, *options: str) -> Outcome:
        """By the release that the cluster runs; it has to end well, and no request may have failed."""
        began_s = time.monotonic()
        run = self.release.play if self.release is not None else None
        outcome = run(self.cluster.lab.name, playbook, *options) if run else self.cluster.play(playbook, *options)
        print(
            f"{playbook} {' '.join(options)}: {time.monotonic() - began_s:.0f} s, {len(self.traffic.answers)} answers"
        )
        assert outcome.code == 0, outcome.text[-5000:]
        self.check()
        return outcome

    def pods(self) -> set[tuple[str, str, str, int]]:
        """Those of the app, with their containers."""
        return Web(self.cli, "default", self.web.urls).containers()

    def check(self) -> None:
        """All that was asked was answered, and the cluster has what it had."""
        assert self.traffic.failures == []
        assert self.cli.get("secret", "s")["data"] == {"k": "dg=="}

    def group(self, masters: list[str], nodes: list[str] = NODES, **more: list[str]) -> None:
        """The inventory has these."""
        self.masters = masters
        self.cluster.regroup(VARIABLES, masters=masters, nodes=nodes, **more)

    def is_bare(self, host: str) -> None:
        """As it was before anything was deployed."""
        found = difference(self.bare[host], host_state(self.cluster.lab, host))
        assert found == [], f"{host}: {found[:20]}"

    def served(self) -> None:
        """The Service `kubernetes` leads to the masters, and to nobody else."""
        known = self.cluster.addresses()

        def found() -> set[str]:
            slices = self.cli.items("endpointslices", "-l", "kubernetes.io/service-name=kubernetes")
            return {address for each in slices for endpoint in each["endpoints"] for address in endpoint["addresses"]}

        wait_until(lambda: found() == {known[name] for name in self.masters}, "all masters serve", SETTLED_WITHIN_S)

    def members(self) -> list[str]:
        """The names of etcd's members."""
        told = self.cluster.on(self.masters[0], MEMBERS)
        return sorted(re.findall(r'"name":"(\w+)"', told))


MEMBERS = """
cd /etc/podlab/pki && python3 - <<'END'
import http.client, ssl
tls = ssl.create_default_context(cafile="etcd-ca.crt")
tls.load_cert_chain("etcd.crt", "etcd.key")
connection = http.client.HTTPSConnection("localhost", 2379, timeout=5, context=tls)
connection.request("POST", "/v3/cluster/member/list", "{}")
print(connection.getresponse().read().decode())
END
"""


@pytest.fixture(scope="module")
def story(make_cluster: MakeCluster) -> Iterator[Story]:
    cluster = make_cluster(LabSpec(name=own_lab("y").name, masters=7, nodes=2), {})
    bare = {host: host_state(cluster.lab, host) for host in cluster.addresses()}
    cluster.regroup(VARIABLES, masters=["m1"], nodes=NODES)
    cluster.deploy()
    cluster.cli("create", *SECRET)
    cluster.cli("apply", "-f", "-", stdin=f"{deployment('web', PODS)}---\n{service('web', node_port=True)}")
    port = cluster.cli.get("service", "web")["spec"]["ports"][0]["nodePort"]
    urls = [f"http://{cluster.addresses()[name]}:{port}/" for name in NODES]
    web = Web(cluster.cli, "default", urls)
    wait_until(lambda: len(web.containers()) == PODS and web.answers_everywhere(), "the app answers", SETTLED_WITHIN_S)
    with Traffic(urls) as traffic:
        yield Story(cluster, web, traffic, bare)


def test_the_store_moves_to_etcd_and_two_masters_come(story: Story) -> None:
    pods = story.pods()
    story.group(["m1", "m2", "m3"])
    refused = story.cluster.play("site.yml")
    assert refused.code != 0
    assert "the cluster would begin empty remedy: migrate-store.yml moves it" in " ".join(refused.text.split())
    foretold = story.play("migrate-store.yml", "--check")
    before = story.cli.get("secret", "s")["metadata"]
    done = story.play("migrate-store.yml")
    assert re.search(r"\d+ keys with \d+ bytes copied to etcd and verified", done.text)
    assert {("The store is copied", "m1")} <= foretold.changed <= done.changed
    story.served()
    after = story.cli.get("secret", "s")["metadata"]
    assert after["uid"] == before["uid"]
    assert int(after["resourceVersion"]) > int(before["resourceVersion"])
    assert story.pods() == pods
    for playbook in ("migrate-store.yml", "site.yml"):
        assert story.play(playbook).changed == set()


def test_it_is_upgraded(story: Story, tmp_path_factory: pytest.TempPathFactory) -> None:
    pods = story.pods()
    story.release = OtherRelease.copied(tmp_path_factory.mktemp("newer"), following(1))
    story.play("upgrade.yml")
    assert f"podlab.{following(1)}" in story.cli("info")
    assert story.pods() == pods


def test_certificates_authorities_and_keys_are_replaced(story: Story) -> None:
    pods = story.pods()
    story.play("rotate-certs.yml")
    story.play("rotate-certs.yml", "-e", "ca=true", "-e", "front_proxy=true", "-e", "front_proxy_wait_s=1")
    story.play("rotate-certs.yml", "-e", "etcd=true")
    story.play("rotate-keys.yml")
    assert len(story.members()) == 3
    assert story.play("site.yml").changed == set()
    assert story.pods() == pods


def test_it_is_backed_up(story: Story) -> None:
    found = re.search(r"(/\S+\.tar):\s+\d+ objects", story.play("backup.yml").text)
    assert found
    story.archive = found[1]
    assert Path(story.archive).exists()
    story.cli("create", "configmap", "later", "--from-literal=k=v")


def test_a_master_that_is_lost_for_good_is_replaced(story: Story) -> None:
    story.cluster.lab.stop(["m2"], hard=True)
    story.group(["m1", "m4", "m3"])
    story.play("site.yml")
    story.served()
    assert story.members() == ["m1", "m3", "m4"]
    assert story.play("site.yml").changed == set()


def test_all_masters_are_lost_and_the_cluster_comes_back_on_new_hosts(story: Story) -> None:
    pods = story.pods()
    story.cluster.lab.stop(story.masters, hard=True)
    answered = len(story.traffic.answers)
    time.sleep(5)
    wait_until(lambda: len(story.traffic.answers) > answered + 2 * len(NODES), "both nodes answer without a master")
    assert story.traffic.failures == []
    story.group(["m5", "m6", "m7"])
    told = story.play("restore.yml", "-e", f"backup={story.archive}").text
    assert re.search(r"all \d+ objects that do not change by themselves are there", told)
    story.served()
    assert story.cli.run("get", "configmap", "later").returncode != 0
    assert story.pods() == pods
    assert story.members() == story.masters
    story.cli("scale", "deployment/web", f"--replicas={PODS + 2}")
    story.cli("rollout", "status", "deployment/web", timeout_s=120)
    assert story.play("site.yml").changed == set()


def test_a_node_leaves_and_comes_again(story: Story) -> None:
    story.traffic.urls = story.web.urls[:1]
    story.play("remove-node.yml", "-e", "node=n2")
    story.is_bare("n2")
    story.play("add-node.yml", "-e", "node=n2")
    wait_until(story.web.answers_everywhere, "the app answers at both nodes", SETTLED_WITHIN_S)
    story.traffic.urls = story.web.urls
    assert story.play("site.yml").changed == set()


def test_the_store_moves_back_to_a_file_and_the_other_masters_are_bare(story: Story) -> None:
    others = story.masters[1:]
    story.group(story.masters[:1], former=others)
    assert "copied to sqlite and verified" in story.play("migrate-store.yml").text
    story.served()
    for host in others:
        story.is_bare(host)
    story.group(story.masters)
    assert story.play("site.yml").changed == set()


def test_the_hosts_end_bare(story: Story) -> None:
    print(f"{len(story.traffic.answers)} answers, {len(story.traffic.failures)} failed")
    story.check()
    story.traffic.urls = []
    outcome = story.cluster.play("reset.yml")
    assert outcome.code == 0, outcome.text[-4000:]
    for host in (*story.masters, *NODES):
        story.is_bare(host)
