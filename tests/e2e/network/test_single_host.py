"""One host that is master and node: a whole cluster. At the end another CNI plugin connects its pods.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import IMAGE, wait_until
from podlab_testing.own_clusters import MakeCluster, OwnCluster, ready
from podlab_testing.own_labs import own_lab

from podlab.lab.spec import LabSpec

# The simplest network that a DaemonSet can install: a bridge of its own, addresses of the host's own choice.
OTHER_NETWORK = {
    "cniVersion": "1.0.0",
    "name": "other",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "other0",
            "isGateway": True,
            "hairpinMode": True,  # the only pod asks the Service that leads to itself
            "ipMasq": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }
    ],
}


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    made = make_cluster(LabSpec(name=own_lab("n").name, masters=1, nodes=0), {"nodes": ["m1"]})
    made.deploy()
    return made


def node(cluster: OwnCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.cli.get("node", "m1")
    return found


def why_not_ready(cluster: OwnCluster) -> str:
    (state,) = [each for each in node(cluster)["status"]["conditions"] if each["type"] == "Ready"]
    return "" if state["status"] == "True" else str(state["message"])


def installer(script: str) -> str:
    """A network's DaemonSet: privileged, on its node's network, with the directories of CNI."""
    labels = {"app": "installer"}
    volumes = [{"name": "conf", "hostPath": {"path": "/etc/cni/net.d", "type": "DirectoryOrCreate"}}]
    container = {
        "name": "install",
        "image": IMAGE,
        "command": ["sh", "-c", f"{script}; sleep 3600"],
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "conf", "mountPath": "/host/conf"}],
    }
    spec = {
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": volumes,
        "terminationGracePeriodSeconds": 1,
    }
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"selector": {"matchLabels": labels}, "template": template}
    return yaml.safe_dump(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "installer"}, "spec": body}
    )


def test_one_host_serves_services_and_names(cluster: OwnCluster) -> None:
    (pod,) = cluster.pod_everywhere("web").values()
    assert cluster.ask_node_port("web", "m1")
    named = ("exec", pod["metadata"]["name"], "--", "wget", "-q", "-O", "-", "http://web.default.svc.cluster.local/")
    assert cluster.cli(*named)


def test_the_host_knows_no_other_node_and_needs_no_way(cluster: OwnCluster) -> None:
    assert cluster.on("m1", "ip route show proto 112; bridge fdb show dev podlab-vxlan") == ""


def test_settings_of_networkd_that_match_every_link_leave_pods_alone(cluster: OwnCluster) -> None:
    """Many images have such settings; a node's own are before them."""
    every = "[Match]\nName=!lo\n\n[Network]\nAddress=192.0.2.77/24\n"
    cluster.on("m1", f"printf %s '{every}' > /etc/systemd/network/50-every.network; networkctl reload")
    (old,) = cluster.pod_everywhere("web").values()
    cluster.cli("delete", "pod", old["metadata"]["name"], "--wait")
    (pod,) = cluster.pod_everywhere("web").values()
    assert pod["metadata"]["name"] != old["metadata"]["name"]
    assert cluster.ask_node_port("web", "m1")
    links = [line.split() for line in cluster.on("m1", "networkctl list --no-legend --no-pager").splitlines()]
    ours = {link[1]: link[4] for link in links if link[1].startswith(("veth", "podlab"))}
    assert len(ours) >= 2
    assert set(ours.values()) == {"unmanaged"}
    assert "192.0.2.77" not in cluster.on("m1", "ip -4 -oneline addr")


def test_a_file_of_networkd_that_comes_before_podlabs_is_refused(cluster: OwnCluster) -> None:
    cluster.on("m1", "mv /etc/systemd/network/50-every.network /etc/systemd/network/00-every.network")
    said = cluster.play("preflight.yml")
    assert said.code != 0
    assert "systemd-networkd reads /etc/systemd/network/00-every.network before Podlab's 00-podlab.network" in said.text
    cluster.on("m1", "rm /etc/systemd/network/00-every.network; networkctl reload")


def test_all_checks_pass(cluster: OwnCluster) -> None:
    done = cluster.cli.run("verify", timeout_s=180)
    assert done.returncode == 0, done.stdout[-3000:]


def test_without_podlabs_network_the_node_waits_for_another(cluster: OwnCluster) -> None:
    for kind in ("daemonset", "service"):
        cluster.cli("delete", kind, "web")
    wait_until(lambda: not cluster.cli.items("pods", "-A"), "no pod is left", 60)
    cidr = node(cluster)["spec"]["podCIDR"]
    cluster.deploy("-e", "podlab_network=none")
    plugin = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
    wait_until(lambda: why_not_ready(cluster).startswith(plugin), "the node says what it lacks", 30)
    assert node(cluster)["spec"]["podCIDR"] == cidr
    left = cluster.on("m1", "ls /etc/cni/podlab.d; ip -br link; ip route show proto 112; iptables-save")
    assert not [mark for mark in ("conflist", "podlab-vxlan", "proto 112", "PODLAB-NE", "PODLAB-NF") if mark in left]


def test_a_daemonset_installs_another_network_and_pods_run(cluster: OwnCluster) -> None:
    cluster.cli("apply", "-f", "-", stdin=installer("true"))
    wait_until(
        lambda: [pod for pod in cluster.cli.items("pods", "-l", "app=installer") if ready(pod)],
        "a pod on its node's network runs meanwhile",
        60,
    )
    assert why_not_ready(cluster)
    script = f"echo '{json.dumps(OTHER_NETWORK)}' > /host/conf/10-other.conflist"
    cluster.cli("apply", "-f", "-", stdin=installer(script))
    wait_until(lambda: why_not_ready(cluster) == "", "the node is Ready", 60)
    (pod,) = cluster.pod_everywhere("other").values()
    assert pod["status"]["podIP"].startswith("10.244.0.")
    assert "other0" in cluster.on("m1", f"ip route get {pod['status']['podIP']}")
    assert cluster.ask_node_port("other", "m1")
    by_name = ("exec", pod["metadata"]["name"], "--", "wget", "-q", "-O", "-", "http://other/")
    assert cluster.cli(*by_name)
