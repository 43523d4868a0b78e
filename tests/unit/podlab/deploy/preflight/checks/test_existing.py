"""What is on a host already is told before anything is touched."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.preflight_facts import FACTS

from master.store.sqlite.schema import SCHEMA_VERSION
from master.store.sqlite.store import SqliteStore
from podlab import GIT_VERSION
from podlab.deploy.preflight.checks.existing import (
    found_clusters,
    found_kubernetes,
    found_name,
    found_networks,
    found_releases,
    found_runtime,
    strays,
)
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts import probe
from podlab.deploy.preflight.hosts.authorities import Authority
from podlab.deploy.preflight.hosts.facts import Host, Membership, Runtime
from podlab.deploy.release.jumps import ReleaseVersion
from podlab.deploy.release.sources import project_root

NODE = Host(name="n1", groups=frozenset({"nodes"}))


@pytest.mark.parametrize(
    ("runtime", "severity", "words"),
    [
        ({"configured": True}, Severity.WARNING, "is there already, with a configuration of its own"),
        ({"active": True}, Severity.WARNING, "containerd is there already"),
        (
            {"active": True, "configured": True, "containers": {"moby": 2, "default": 1}},
            Severity.WARNING,
            "with a configuration of its own and 1 container in default, 2 containers in moby",
        ),
        (
            {"active": True, "containers": {"k8s.io": 3}},
            Severity.ERROR,
            "namespace k8s.io has 3 containers of another Kubernetes; Podlab would remove them",
        ),
        (
            {"active": True, "containers": {"moby": 1}, "spares_containers": False},
            Severity.ERROR,
            "has 1 container in moby, and its unit ends them whenever it is restarted",
        ),
    ],
)
def test_a_containerd_that_somebody_uses_is_told(runtime: dict[str, Any], severity: Severity, words: str) -> None:
    (found,) = found_runtime(NODE, replace(FACTS, runtime=Runtime(**runtime)))
    assert found.severity is severity
    assert words in found.cause
    assert found.remedy


@pytest.mark.parametrize(
    ("host", "runtime"),
    [
        (NODE, {}),
        (NODE, {"active": True, "configured": True, "containers": {"k8s.io": 3}, "ours": True}),
        (Host(name="m1", groups=frozenset({"masters"})), {"active": True, "containers": {"moby": 1}}),
    ],
)
def test_what_is_ours_or_of_no_concern_is_not(host: Host, runtime: dict[str, Any]) -> None:
    assert list(found_runtime(host, replace(FACTS, runtime=Runtime(**runtime)))) == []


@pytest.mark.parametrize("variable", ["podlab_service_cidr", "podlab_pod_cidr"])
def test_a_network_that_the_cluster_was_not_made_with_is_refused(variable: str) -> None:
    made = {"podlab_service_cidr": "10.96.0.0/16", "podlab_pod_cidr": "10.244.0.0/16"}
    other = {variable: "10.50.0.0/16"}
    master = Host(name="m1", groups=frozenset({"masters"}), variables=other)
    node = Host(name="n1", groups=frozenset({"nodes"}), variables=other)
    deployed = replace(FACTS, made_with=made)
    (found,) = found_networks([master, node], {"m1": deployed, "n1": deployed})
    assert found.host == "m1"
    assert found.severity is Severity.ERROR
    assert found.cause.startswith(f"{variable} is 10.50.0.0/16, but the cluster was made with {made[variable]}")
    assert found.remedy.startswith(f"set {variable} to {made[variable]} again")
    both = Host(name="m1", groups=frozenset({"masters"}), variables={
        "podlab_service_cidr": "10.96.0.0/16,fd00:10:96::/112", "podlab_pod_cidr": "10.244.0.0/16,fd00:10:244::/56"
    })  # fmt: skip
    assert list(found_networks([both], {"m1": deployed})) == []
    unchanged = Host(name="m1", groups=frozenset({"masters"}))
    assert list(found_networks([unchanged], {"m1": deployed})) == []
    assert list(found_networks([master], {"m1": FACTS})) == []
    assert list(found_networks([master, node], {"n1": replace(FACTS, made_with={})})) == []


def test_what_the_cluster_was_made_with_is_read_from_its_settings(tmp_path: Path) -> None:
    master, node = tmp_path / "master", tmp_path / "node"
    master.mkdir()
    (master / "apiserver.yaml").write_text("port: 7443\nservice_cidr: 10.96.0.0/16\n")
    (master / "controllers.yaml").write_text("pod_cidr: 10.244.0.0/16\nnode_cidr_mask: 24\n")
    assert probe.made_with(str(master)) == {"podlab_service_cidr": "10.96.0.0/16", "podlab_pod_cidr": "10.244.0.0/16"}
    node.mkdir()
    (node / "kubelet.yaml").write_text("pod_cidr_cluster: 10.245.0.0/16\n")
    assert probe.made_with(str(node)) == {"podlab_pod_cidr": "10.245.0.0/16"}


def test_routes_that_the_kubelet_set_are_no_network_of_somebody() -> None:
    """That of a node that died as well: its gateway is no host of the inventory any more."""
    routes = (
        '[{"dst":"default","gateway":"192.0.2.1","dev":"eth0"},'
        '{"dst":"10.244.2.0/24","gateway":"192.0.2.23","dev":"eth0","protocol":"112","flags":[]},'
        '{"dst":"10.244.9.0/24","gateway":"192.0.2.99","dev":"eth0","protocol":"static","flags":[]}]'
    )
    assert [found["network"] for found in probe.networks_of_routes(json.loads(routes))] == ["10.244.9.0/24"]


def test_a_node_that_is_not_in_the_inventory_is_a_warning_with_the_command_that_removes_it() -> None:
    (found,) = strays(["n1"], ["n1", "n2"])
    assert (found.severity, found.host) == (Severity.WARNING, "n2")
    assert "podlab delete node n2" in found.remedy


def test_a_release_that_a_host_must_not_go_to_is_named_with_the_host() -> None:
    deployed = {"n1": replace(FACTS, release=ReleaseVersion((0, 3, 0), 36)), "n2": replace(FACTS, release=None)}
    (found,) = found_releases([NODE, Host(name="n2"), Host(name="n3")], deployed, ReleaseVersion((0, 1, 0), 36))
    assert (found.host, found.check, found.severity) == ("n1", "release", Severity.ERROR)
    assert "it runs v1.36.0+podlab.0.3.0, and v1.36.0+podlab.0.1.0 is older" in found.cause


@pytest.mark.parametrize(("variables", "wanted"), [({"podlab_cluster": "two"}, "two"), ({}, "lab")])
def test_another_name_for_the_cluster_is_refused(variables: dict[str, str], wanted: str) -> None:
    master = Host(name="m1", groups=frozenset({"masters"}), variables=variables)
    (found,) = found_name([master], {"m1": replace(FACTS, made_with={"podlab_cluster": "one"})})
    assert found.cause.startswith(f"podlab_cluster is {wanted}, but the host is a master of cluster one")
    assert "set podlab_cluster to one again" in found.remedy
    assert list(found_name([master], {"m1": replace(FACTS, made_with={"podlab_cluster": wanted})})) == []
    assert list(found_networks([master], {"m1": replace(FACTS, made_with={"podlab_cluster": "one"})})) == []


def test_the_release_in_use_is_read_from_its_files(tmp_path: Path) -> None:
    assert probe.release_in_use(str(tmp_path / "venv")) == {}
    packages = tmp_path / "venv/lib/python3.11/site-packages"
    (packages / "podlab").mkdir(parents=True)
    for name in ("podlab/__init__.py", "master/store/sqlite/schema.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text((project_root() / name).read_text())
    (packages / "podlab/BUILD").write_text("01ab34ef\n")
    found = ReleaseVersion.parse(probe.release_in_use(str(tmp_path / "venv")))
    assert str(found) == f"{GIT_VERSION}.01ab34ef"
    assert found is not None
    assert found.store == SCHEMA_VERSION


async def test_the_schema_of_a_store_is_read_from_its_file(tmp_path: Path) -> None:
    assert probe.store_schema(str(tmp_path / "store.db")) is None
    store = await SqliteStore.open(tmp_path / "store.db")
    await store.close()
    assert probe.store_schema(str(tmp_path / "store.db")) == SCHEMA_VERSION


def test_another_kubernetes_on_a_node_is_told() -> None:
    facts = replace(FACTS, other_kubelets=("kubelet", "k3s-agent"))
    found = list(found_kubernetes(NODE, facts))
    assert [(each.severity, each.check) for each in found] == [(Severity.ERROR, "kubernetes")] * 2
    assert found[1].cause.startswith("k3s-agent.service, of another Kubernetes, runs there")
    assert list(found_kubernetes(Host(name="m1", groups=frozenset({"masters"})), facts)) == []


AUTHORITY = Authority("0a1b2c3d4e5f", datetime(2026, 11, 30, 14, 3, tzinfo=UTC))
NEXT = replace(AUTHORITY, key="ff")
OTHER_S = replace(FACTS, membership=Membership(authorities=(AUTHORITY,), clusters=("home",)))


def test_a_host_of_another_cluster_is_refused_and_that_cluster_named() -> None:
    (found,) = found_clusters([NODE], {"n1": OTHER_S}, {"ff"})
    assert (found.host, found.check, found.severity) == ("n1", "cluster", Severity.ERROR)
    assert "it belongs to another cluster, home, whose authority is 0a1b2c3d (since 2026-11-30 14:03" in found.cause
    assert "-e preflight_takes_over=true" in found.remedy


def test_who_takes_hosts_over_on_purpose_is_told_from_whom() -> None:
    (found,) = found_clusters([NODE], {"n1": OTHER_S}, (), takes_over=True)
    assert (found.severity, "cluster, home," in found.cause) == (Severity.WARNING, True)


@pytest.mark.parametrize(
    ("believed", "trusted"),
    [
        ((), ()),
        ((), ("0a1b2c3d4e5f",)),
        ((AUTHORITY,), ("0a1b2c3d4e5f",)),
        ((AUTHORITY, NEXT), ("ff",)),
        ((AUTHORITY,), ("ff", "0a1b2c3d4e5f")),
    ],
    ids=["bare", "bare, of a cluster that is there", "its own", "at the end of a rotation", "in a rotation"],
)
def test_hosts_that_are_bare_or_of_this_cluster_are_not(
    believed: tuple[Authority, ...], trusted: tuple[str, ...]
) -> None:
    facts = replace(FACTS, membership=Membership(authorities=believed, clusters=("home",)))
    assert list(found_clusters([NODE], {"n1": facts}, trusted)) == []


def test_a_host_that_nothing_is_known_of_is_told_elsewhere() -> None:
    assert list(found_clusters([NODE], {}, ())) == []
