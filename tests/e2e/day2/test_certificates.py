"""Certificates and the cluster's authority are replaced while the API and an app are asked all the time.

The tests build on each other, in this order.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from podlab_testing.api_load import ApiLoad
from podlab_testing.deployed import Cli, Traffic
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.served import leaf
from podlab_testing.source_code import PROJECT

from podlab import pki, ports
from podlab.deploy import rotation
from podlab.lab.spec import LabSpec

SERVICES = {"m1": ("apiserver", "scheduler", "controllers"), "n1": ("kubelet", "proxy", "dns")}
LISTENING = {"apiserver": ports.APISERVER, "kubelet": ports.KUBELET, "proxy": ports.PROXY, "dns": ports.DNS}


@dataclass(frozen=True)
class Deployed:
    cluster: OwnCluster
    address: str
    """Of the app."""

    @property
    def state(self) -> Path:
        return PROJECT / ".podlab" / self.cluster.lab.name

    def processes(self) -> dict[str, str]:
        return {
            name: self.cluster.on(host, f"systemctl show --value --property=MainPID podlab-{name}")
            for host, names in SERVICES.items()
            for name in names
        }

    def leaves(self) -> dict[str, bytes]:
        """What each port shows."""
        at = self.cluster.addresses()
        return {
            name: leaf(LISTENING[name], at[host])
            for host, names in SERVICES.items()
            for name in names
            if name in LISTENING
        }

    def rotate(self, *options: str) -> None:
        """Nobody who asks meanwhile is left without an answer, and no process begins anew."""
        before = self.processes()
        asking = ApiLoad(self.cluster.addresses()["m1"], ports.REST, self.state / "pki")
        with Traffic([self.address]) as traffic, asking as api:
            outcome = self.cluster.play("rotate-certs.yml", *options)
        assert outcome.code == 0, outcome.text[-4000:]
        assert (traffic.failures, api.failures) == ([], [])
        assert api.answered > 20
        assert self.processes() == before


@pytest.fixture(scope="module")
def deployed(make_cluster: MakeCluster) -> Deployed:
    cluster = make_cluster(LabSpec(name=own_lab("y").name, masters=1, nodes=1), {})
    cluster.deploy()
    cluster.pod_everywhere("web")
    cluster.cli("kubeconfig")
    cluster.ask_node_port("web", "n1")
    port = cluster.cli.get("service", "web")["spec"]["ports"][0]["nodePort"]
    return Deployed(cluster, f"http://{cluster.addresses()['n1']}:{port}/")


def test_every_service_shows_a_new_certificate_and_none_was_restarted(deployed: Deployed) -> None:
    before = deployed.leaves()
    deployed.rotate()
    assert {name for name, shown in deployed.leaves().items() if shown != before[name]} == before.keys()


def test_part_of_the_hosts_gets_no_authority_of_its_own(deployed: Deployed) -> None:
    before = (deployed.state / "pki/ca.crt").read_bytes()
    outcome = deployed.cluster.play("rotate-certs.yml", "-e", "ca=true", "--limit", "n1")
    assert outcome.code != 0
    assert "Leave --limit out" in outcome.text
    assert (deployed.state / "pki/ca.crt").read_bytes() == before


def test_the_authority_is_replaced_also_where_that_was_cut_off_before(deployed: Deployed) -> None:
    folder = deployed.state / "pki"
    old = pki.load_ca(folder).certificate
    rotation.trust_next(folder, pki.CA_NAME)
    _, new = pki.read_certificates(folder / "ca.crt")
    deployed.rotate("-e", "ca=true")
    assert pki.read_certificates(folder / "ca.crt") == [new]
    assert old != new
    wanted = (folder / "ca.crt").read_text()
    for host in SERVICES:
        assert deployed.cluster.on(host, "cat /etc/podlab/pki/ca.crt") == wanted.strip()
    published = [
        each["data"]["ca.crt"] for each in Cli(deployed.cluster.lab.name).items("configmaps", "-A") if is_root(each)
    ]
    assert len(published) >= 4
    assert set(published) == {wanted}
    written = yaml.safe_load((deployed.state / "kubeconfig").read_text())["clusters"][0]["cluster"]
    assert base64.b64decode(written["certificate-authority-data"]).decode() == wanted


def is_root(config_map: dict[str, dict[str, str]]) -> bool:
    return config_map["metadata"]["name"] == "kube-root-ca.crt"


def test_a_deployment_finds_nothing_to_change_after_that(deployed: Deployed) -> None:
    outcome = deployed.cluster.play("site.yml", "--check")
    assert outcome.code == 0, outcome.text[-4000:]
    assert outcome.changed == set()
