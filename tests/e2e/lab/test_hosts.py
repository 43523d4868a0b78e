"""What a lab host is to those who use it: a bare Debian machine behind SSH."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from podlab.lab.errors import LabError
from podlab.lab.host.recipe import PACKAGES
from podlab.lab.lab import Lab, all_names
from podlab.lab.spec import LabSpec

# What only site.yml may bring onto a host, or what a less minimal base would hold.
NOT_BARE = ("containerd", "runc", "containernetworking-plugins", "unbound", "curl", "python3-venv", "docker.io")

MAKES_GROUPS = "for d in /sys/fs/cgroup/*/; do mkdir $d/probe && rmdir $d/probe || exit 1; done"


def out(lab: Lab, host: str, *argv: str) -> str:
    done = lab.run(host, argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait_for(lab: Lab, host: str, *argv: str, timeout_s: float = 40.0) -> str:
    deadline = time.monotonic() + timeout_s
    while (done := lab.run(host, argv)).returncode != 0:
        assert time.monotonic() < deadline, f"{argv} on {host}: {done.stderr}"
    return done.stdout.strip()


def test_a_host_is_a_whole_system_with_nothing_failed(lab: Lab) -> None:
    assert out(lab, "n1", "hostname") == "n1"
    wait_for(lab, "n1", "systemctl", "is-system-running", "--wait")
    assert out(lab, "n1", "systemctl", "--failed", "--plain", "--no-legend") == ""
    assert out(lab, "n1", "ps", "-p", "1", "-o", "comm=") == "systemd"


def test_a_host_has_the_listed_packages_and_what_they_depend_on(lab: Lab) -> None:
    """Nothing but essential packages, the listed ones and their dependencies is installed."""
    installed = set(out(lab, "n1", "dpkg-query", "-W", "-f", "${Package}\n").splitlines())
    assert set(PACKAGES) <= installed
    assert not installed & set(NOT_BARE)
    script = (
        "apt-get update -qq && apt-mark auto $(dpkg-query -W -f '${Package} ') >/dev/null && "
        f"apt-mark manual apt {' '.join(PACKAGES)} >/dev/null && apt-get --simulate autoremove | grep ^Remv || true"
    )
    removable = {line.split()[1] for line in out(lab, "n1", "sh", "-c", script).splitlines()}
    essential = out(lab, "n1", "dpkg-query", "-W", "-f", "${Priority} ${Essential} ${Package}\n").splitlines()
    required = {line.split()[-1] for line in essential if line.startswith("required") or " yes " in line}
    assert removable <= required


def test_apt_works_inside_as_it_does_outside(lab: Lab) -> None:
    script = "apt-get update -qq && apt-get install -qq -y --no-install-recommends tree >/dev/null && tree --version"
    done = lab.run("m1", ["sh", "-c", script], timeout_s=120.0)
    assert done.returncode == 0, done.stderr


def test_hosts_reach_each_other_and_differ_in_identity(lab: Lab) -> None:
    assert out(lab, "m1", "ping", "-c", "1", "-W", "2", lab.spec().host("n1").address)
    for command in (["cat", "/etc/machine-id"], ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"], ["hostname"]):
        assert out(lab, "m1", *command) != out(lab, "n1", *command)


def test_containers_can_have_control_groups_of_their_own(lab: Lab) -> None:
    assert lab.run("n1", ["sh", "-c", MAKES_GROUPS]).returncode == 0


def test_a_host_cannot_set_the_machines_clock(lab: Lab) -> None:
    assert lab.run("n1", ["date", "-s", "@0"]).returncode != 0


def test_ssh_passes_arguments_output_and_exit_code_through(lab: Lab) -> None:
    argv = [
        sys.executable,
        "-m",
        "podlab.lab",
        "ssh",
        "n1",
        "--lab",
        lab.name,
        "--",
        "sh",
        "-c",
        'echo "a  $1"; exit 7',
        "x",
        "b 'c",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "a  b 'c\n")


def test_a_host_that_reboots_comes_back_with_its_files(lab: Lab) -> None:
    before = out(lab, "n1", "sh", "-c", "echo kept > /root/kept; cat /etc/machine-id; stat -c %Y /proc/1")
    lab.run("n1", ["systemctl", "reboot"])
    deadline = time.monotonic() + 40.0
    while not (done := lab.run("n1", ["stat", "-c", "%Y", "/proc/1"])).stdout or done.stdout.strip() in before:
        assert time.monotonic() < deadline, "the host did not come back"
    assert out(lab, "n1", "cat", "/root/kept") == "kept"
    assert out(lab, "n1", "cat", "/etc/machine-id") in before
    wait_for(lab, "n1", "sh", "-c", MAKES_GROUPS)


@pytest.mark.parametrize("hard", [False, True])
def test_a_stopped_host_stays_off_until_it_is_started(lab: Lab, hard: bool) -> None:
    out(lab, "n1", "sh", "-c", "echo 192.0.2.9 added >> /etc/hosts; sync")
    lab.stop(["n1"], hard=hard)
    assert {status.host.name: status.running for status in lab.status()} == {"m1": True, "n1": False}
    lab.start(["n1"])
    assert out(lab, "n1", "hostname") == "n1"
    assert lab.run("n1", ["grep", "-q", "192.0.2.9 added", "/etc/hosts"]).returncode == 0, "what was added to it stays"


def test_making_a_lab_again_leaves_running_hosts_alone(lab: Lab) -> None:
    before = lab.status()
    assert lab.create(LabSpec(name=lab.name, masters=1, nodes=1)) == lab.spec()
    assert lab.status() == before


def test_a_lab_of_the_same_name_with_other_hosts_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="1 nodes on 1 segments, not with 1 masters and 3 nodes"):
        lab.create(LabSpec(name=lab.name, masters=1, nodes=3))


def test_two_labs_stand_side_by_side(lab: Lab, spare: Lab) -> None:
    spare.create(LabSpec(name=spare.name, masters=0, nodes=1))
    assert {lab.name, spare.name} <= set(all_names())
    assert lab.spec().subnet != spare.spec().subnet
    assert out(spare, "n1", "hostname") == out(lab, "n1", "hostname") == "n1"
    assert out(spare, "n1", "cat", "/etc/machine-id") != out(lab, "n1", "cat", "/etc/machine-id")
    # Power-off inside one must not be felt in the other, and kill must work with both up.
    assert lab.run("n1", ["systemctl", "kill", "systemd-journald.service", "-s", "SIGUSR1"]).returncode == 0


def test_a_host_that_dies_at_boot_is_told_at_once_with_its_consoles_last_words(spare: Lab) -> None:
    spare.create(LabSpec(name=spare.name, masters=0, nodes=1))
    init = "/usr/lib/systemd/systemd"
    dies = "#!/bin/sh\necho no room for an init\nexit 3\n"
    out(spare, "n1", "sh", "-c", f"mv {init} {init}.away && printf '{dies}' >{init} && chmod +x {init}")
    spare.stop(["n1"], hard=True)
    begun = time.monotonic()
    with pytest.raises(LabError, match=r"host n1: it went off while it booted(.|\n)*no room for an init"):
        spare.start()
    assert time.monotonic() - begun < 10


def test_a_host_boots_and_goes_where_only_cgroup_v2_is_mounted(tmp_path: Path) -> None:
    """Seen by the lab alone, in a mount namespace of its own, and with the controllers that v1 has not taken."""
    podlab = f"{sys.executable} -m podlab.lab"
    script = f"""
        set -e
        umount --recursive --lazy /sys/fs/cgroup
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        {podlab} create --lab e2e-v2 --masters 0 --nodes 1
        trap '{podlab} destroy --lab e2e-v2' EXIT
        {podlab} ssh n1 --lab e2e-v2 -- mkdir /sys/fs/cgroup/probe
        {podlab} ssh n1 --lab e2e-v2 -- sh -c 'mount -t cgroup2; systemctl is-system-running --wait'
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "on /sys/fs/cgroup type cgroup2 (rw" in done.stdout
    assert "running" in done.stdout.split()
