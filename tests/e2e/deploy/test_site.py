"""site.yml on bare hosts: a check says what a run then does, a second run does nothing, reset.yml undoes it all.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.host_state import difference, host_state
from podlab_testing.playbook_run import Play
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

PROGRAM = str(Path(sys.executable).with_name("podlab"))
HOSTS = ("m1", "n1")
UNCHANGED = dict.fromkeys(HOSTS, 0)

# A host whose owner has settings for containerd and NetworkManager, installed or not.
OWN_SETTINGS = """
mkdir -p /etc/NetworkManager/conf.d
printf '[main]\\nplugins=keyfile\\n' > /etc/NetworkManager/conf.d/10-own.conf
mkdir -p /etc/containerd /etc/systemd/system/containerd.service.d
printf '[Service]\\nEnvironment=HTTPS_PROXY=http://proxy.example:3128\\n' \
    > /etc/systemd/system/containerd.service.d/http-proxy.conf
cat > /etc/containerd/config.toml <<'END'
version = 2
# Where images come from.
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.example/pause:3"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
END
"""
# What a power cut in the middle of dpkg leaves: a package that is not set up, and a journal that says so.
CUT = """
set -e
mkdir -p /tmp/cut/DEBIAN
printf 'Package: cut-off\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: none\\n' \
    > /tmp/cut/DEBIAN/control
dpkg-deb --build /tmp/cut /tmp/cut.deb >&2
dpkg --unpack /tmp/cut.deb >&2
dpkg-query --status cut-off > /var/lib/dpkg/updates/0000
"""
# Playbooks for clusters that run.
LATER = [
    ("add-node.yml", "-e", "node=n1"),
    ("remove-node.yml", "-e", "node=n1"),
    ("backup.yml",),
    ("rotate-certs.yml", "-e", "ca=true"),
    ("rotate-keys.yml",),
    ("upgrade.yml",),
    ("reconfigure.yml",),
    ("migrate-store.yml",),
]
# Makes a master one of an earlier release, where all services ran as one user. A backup of that user's is under way
# and goes on for a while.
ONE_USER = """
set -e
useradd --system --user-group --no-create-home --home-dir /var/lib/podlab --shell /usr/sbin/nologin podlab
systemctl stop podlab-scheduler podlab-controllers podlab-apiserver
sed -i -E 's/^(User|Group)=.*/\\1=podlab/' /etc/systemd/system/podlab-*.service
find /etc/podlab -not -user root -exec chown podlab:podlab {} +
find /etc/podlab -type f -user root -exec chmod 0644 {} +
systemctl daemon-reload
for name in apiserver scheduler controllers; do userdel podlab-$name; systemctl start podlab-$name; done
systemd-run --quiet --uid=podlab sleep 45
"""
# Who the services run as, and whose their data are.
USERS = """
for name in apiserver scheduler controllers; do
    ps -o user:32= -p "$(systemctl show --property MainPID --value podlab-$name)"
done
stat --format %U /var/lib/podlab/apiserver/store.db /var/log/podlab/audit.log
"""


# An agent that ends at once, saying why, and one whose unit is the role's alone again.
BROKEN = """
mkdir -p /etc/systemd/system/podlab-proxy.service.d
printf '[Service]\\nType=exec\\nExecStartPre=/bin/sh -c "echo this proxy is broken; exit 1"\\n' \
    > /etc/systemd/system/podlab-proxy.service.d/broken.conf
systemctl daemon-reload
systemctl stop podlab-proxy
"""
# What those who manage links are told of pods'.
LINKS = "cat /etc/systemd/network/00-podlab.network /etc/NetworkManager/conf.d/zz-podlab.conf"
MENDED = "rm -r /etc/systemd/system/podlab-proxy.service.d; systemctl daemon-reload"
SERVICES = ("containerd", "podlab-kubelet", "podlab-proxy", "podlab-dns", "podlab-resolver")


def processes(lab: Lab) -> dict[str, str]:
    """The process of each service of n1."""
    asked = ["systemctl", "show", "--property=MainPID", "--value", *SERVICES]
    return dict(zip(SERVICES, lab.run("n1", asked).stdout.split(), strict=True))


def restarted(lab: Lab, before: dict[str, str]) -> set[str]:
    now = processes(lab)
    return {name for name in SERVICES if now[name] != before[name]}


def podlab(lab: Lab, *arguments: str) -> str:
    own = os.environ | {"PODLAB_CLUSTER": lab.name}
    return subprocess.run([PROGRAM, *arguments], env=own, capture_output=True, text=True, check=True, timeout=30).stdout


def secrets_of(pki: Path) -> list[str]:
    """Parts of what no log may show, as they are and in base64."""
    contents = [(pki / name).read_bytes() for name in ("encryption/current.key", "tokens.csv", "signing/ca.key")]
    plain = [content.replace(b"-----BEGIN PRIVATE KEY-----\n", b"")[:30].decode() for content in contents]
    return plain + [base64.b64encode(content).decode()[:60] for content in contents]


@pytest.fixture(scope="module")
def bare(lab: Lab) -> dict[str, list[str]]:
    """The hosts as they were before anything was deployed."""
    assert lab.run("n1", ["sh", "-c", OWN_SETTINGS]).returncode == 0
    return {host: host_state(lab, host) for host in HOSTS}


@pytest.fixture(scope="module")
def foretold(bare: dict[str, list[str]], play: Play) -> set[tuple[str, str]]:
    """What a check on the bare hosts lists as changed."""
    check = play("site.yml", "--check")
    assert check.failures == UNCHANGED, check.text
    return check.changed


def test_a_check_changes_nothing(lab: Lab, bare: dict[str, list[str]], foretold: set[tuple[str, str]]) -> None:
    assert foretold
    assert {host: host_state(lab, host) for host in HOSTS} == bare


def test_all_that_is_wrong_with_variables_is_named_once_before_anything_changes(
    lab: Lab, bare: dict[str, list[str]], play: Play
) -> None:
    wrong = {
        "node_capacity": ("two", "dict"),
        "master_node_monitor_grace_s": ("soon", "int"),
        "node_taints": ([{"key": "a", "effect": "Never"}], "value of effect must be one of"),
        "podlab_address": ("m1.example", "podlab_address is m1.example, not an IPv4 address"),
        "node_labels": ({"node-role.kubernetes.io/web": ""}, "node_labels: node-role.kubernetes.io/web: reserved"),
        "podlab_pod_cird": ("10.1.0.0/16", "you may mean podlab_pod_cidr"),
    }
    outcome = play("site.yml", "-e", json.dumps({name: value for name, (value, _) in wrong.items()}))
    assert outcome.code != 0
    assert [name for name, (_, words) in wrong.items() if name not in outcome.text or words not in outcome.text] == []
    assert outcome.text.count("podlab_address is m1.example") == 1
    assert outcome.changed == set()
    assert {host: host_state(lab, host) for host in HOSTS} == bare


def test_a_port_that_a_rule_closes_is_named_with_the_rule_before_anything_changes(lab: Lab, play: Play) -> None:
    lab.run("m1", ["sh", "-c", "iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -P INPUT DROP"])
    try:
        outcome = play("site.yml")
    finally:
        lab.run("m1", ["sh", "-c", "iptables -P INPUT ACCEPT; iptables -F INPUT"])
    assert outcome.code != 0
    assert outcome.changed == set()
    told = " ".join(outcome.text.split())
    assert "m1 and n1 cannot reach" in told
    assert "port 6443 (apiserver), 7443 (apiserver): no answer within 3 s; closed by the policy" in told


def test_a_run_does_what_the_check_foretold(lab: Lab, foretold: set[tuple[str, str]], play: Play) -> None:
    """Also after a power cut in the middle of dpkg, which apt takes only a person's `dpkg --configure -a` for."""
    assert lab.run("n1", ["sh", "-c", CUT]).returncode == 0
    run = play("site.yml")
    assert run.failures == UNCHANGED, run.text
    assert (
        lab.run("n1", ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", "cut-off"]).stdout == "installed"
    )
    assert lab.run("n1", ["dpkg", "--purge", "cut-off"]).returncode == 0
    assert run.changed == foretold


def test_every_service_runs_as_it_should(lab: Lab) -> None:
    units = {"m1": ("apiserver", "scheduler", "controllers"), "n1": ("kubelet", "proxy")}
    for host, names in units.items():
        for name in names:
            shown = lab.run(
                host, ["systemctl", "show", f"podlab-{name}", "--property=ActiveState,UnitFileState,NRestarts"]
            )
            assert shown.stdout.split() == ["NRestarts=0", "ActiveState=active", "UnitFileState=enabled"], (host, name)


def test_the_host_s_own_settings_of_containerd_stay_in_force(lab: Lab) -> None:
    config = lab.run("n1", ["cat", "/etc/containerd/config.toml"]).stdout
    assert 'config_path = "/etc/containerd/certs.d"' in config
    assert "registry.example/pause" not in config
    environment = lab.run("n1", ["systemctl", "show", "containerd", "--property=Environment"]).stdout
    assert "HTTPS_PROXY=http://proxy.example:3128" in environment


def test_a_run_that_was_cut_off_before_its_restarts_is_made_up_for(lab: Lab, play: Play) -> None:
    """Its files are in place, so that nothing differs any more; what runs began before them."""
    before = processes(lab)
    lab.run("n1", ["touch", "/etc/podlab/proxy.yaml", "/etc/containerd/config.toml"])
    lab.run("n1", ["sysctl", "--quiet", "net.ipv4.ip_forward=0"])
    outcome = play("site.yml")
    assert outcome.changed == {
        ("Containerd runs with these settings, and starts with the host", "n1"),
        ("The kernel does so now", "n1"),
        ("Each agent runs with its certificate, settings and unit, and starts with the host", "n1"),
    }
    assert restarted(lab, before) == {"containerd", "podlab-proxy"}


def test_a_second_run_changes_nothing(play: Play) -> None:
    again = play("site.yml")
    assert (again.failures, again.changes) == (UNCHANGED, UNCHANGED), again.changed


@pytest.mark.parametrize("words", LATER, ids=" ".join)
def test_what_is_done_to_clusters_later_is_foretold_by_a_check(play: Play, words: tuple[str, ...]) -> None:
    """Whole runs take an hour and are in tests/e2e/day2; this finds what a change has broken there by the way."""
    check = play(*words, "--check")
    assert (check.code, set(check.failures.values())) == (0, {0}), check.text[-4000:]


def test_certificates_are_made_anew(play: Play) -> None:
    renewed = play("rotate-certs.yml")
    assert (renewed.code, renewed.changes.keys()) == (0, UNCHANGED.keys()), renewed.text[-4000:]
    assert {host for host, count in renewed.changes.items() if count} == {*HOSTS}


def test_a_changed_setting_restarts_only_what_it_is_for(lab: Lab, play: Play) -> None:
    before = processes(lab)
    outcome = play("site.yml", "-e", "node_lease_duration_s=20")
    assert outcome.changed == {
        ("Each agent runs with its certificate, settings and unit, and starts with the host", "n1")
    }
    assert restarted(lab, before) == {"podlab-kubelet"}


def test_an_agent_that_does_not_start_is_told_with_the_end_of_its_journal(lab: Lab, play: Play) -> None:
    lab.run("n1", ["sh", "-c", BROKEN], timeout_s=60)
    try:
        outcome = play("site.yml")
    finally:
        lab.run("n1", ["sh", "-c", MENDED], timeout_s=60)
    assert outcome.failures == {"m1": 0, "n1": 1}
    assert "podlab-proxy is" in outcome.text
    assert "this proxy is broken" in outcome.text
    assert play("site.yml").failures == UNCHANGED


def test_services_that_shared_one_user_get_their_own_and_keep_their_data(lab: Lab, play: Play) -> None:
    def identity() -> str:
        return str(json.loads(podlab(lab, "get", "namespace", "kube-system", "-o", "json"))["metadata"]["uid"])

    before = identity()
    lab.run("m1", ["sh", "-c", ONE_USER], timeout_s=120)
    assert lab.run("m1", ["sh", "-c", USERS]).stdout.split() == ["podlab"] * 5
    upgrade = play("site.yml")
    assert upgrade.failures == UNCHANGED, upgrade.text
    assert ("The user that the services shared is gone", "m1") in upgrade.changed
    assert lab.run("m1", ["sh", "-c", USERS]).stdout.split() == [
        *("podlab-apiserver", "podlab-scheduler", "podlab-controllers"),
        *("podlab-apiserver", "podlab-apiserver"),
    ]
    assert lab.run("m1", ["id", "podlab"]).returncode != 0
    assert identity() == before
    assert play("site.yml").changes == UNCHANGED


def test_a_host_of_one_cluster_becomes_none_of_another_by_the_way(lab: Lab, play: Play) -> None:
    """As when a second checkout has the same hosts in its inventory."""
    for playbook in ("site.yml", "rotate-certs.yml", "rotate-keys.yml"):
        refused = play(playbook, "-e", "podlab_cluster=another")
        assert (refused.changed, refused.failures["m1"]) == (set(), 1), refused.text
        told = " ".join(refused.text.split())
        assert f"it belongs to another cluster, {lab.name}, whose authority is " in told, told
    assert not (PROJECT / ".podlab/another").exists()
    assert play("site.yml").changes == UNCHANGED


def test_a_controller_that_lost_its_keys_gets_them_from_the_master_and_makes_a_new_ca(lab: Lab, play: Play) -> None:
    pki = PROJECT / ".podlab" / lab.name / "pki"
    podlab(lab, "create", "secret", "generic", "kept", "--from-literal=word=xyzzy")
    kept = {path: path.read_bytes() for path in pki.rglob("*") if path.parent.name in ("encryption", "signing")}
    shutil.rmtree(pki)
    refused = play("site.yml")
    assert (refused.changed, refused.failures["m1"]) == (set(), 1), refused.text
    assert f"it belongs to another cluster, {lab.name}, whose authority is " in " ".join(refused.text.split())
    assert not pki.exists()
    again = play("site.yml", "-vvv", "-e", "preflight_takes_over=true")
    assert again.failures == UNCHANGED, again.text
    assert {path: path.read_bytes() for path in kept} == kept
    assert not [secret for secret in secrets_of(pki) if secret in again.text]
    # In the store it is encrypted; nodes are Ready with certificates of the new CA.
    assert json.loads(podlab(lab, "get", "secret", "kept", "-o", "json"))["data"]["word"] == "eHl6enk="
    assert "Ready" in podlab(lab, "get", "nodes").split()


def test_an_encryption_key_that_cannot_read_the_store_is_refused_before_anything_changes(lab: Lab, play: Play) -> None:
    current = PROJECT / ".podlab" / lab.name / "pki/encryption/current.key"
    right = current.read_bytes()
    current.write_bytes(base64.b64encode(os.urandom(32)))
    try:
        refused = play("site.yml")
    finally:
        current.write_bytes(right)
    assert refused.changed == set()
    assert f"{current.parent}: the store of m1 is encrypted with" in " ".join(refused.text.split())


def test_reset_leaves_a_host_as_bare_as_it_was(lab: Lab, bare: dict[str, list[str]], play: Play) -> None:
    unmanaged = lab.run("n1", ["sh", "-c", LINKS]).stdout
    assert ("Unmanaged=yes" in unmanaged, "interface-name:podlab0" in unmanaged) == (True, True), unmanaged
    reset = play("reset.yml")
    assert reset.failures == UNCHANGED, reset.text
    for host in HOSTS:
        assert difference(bare[host], host_state(lab, host)) == []
    assert play("reset.yml").changes == UNCHANGED
