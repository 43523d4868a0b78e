from dataclasses import replace
from typing import Any

import pytest

from podlab.deploy.preflight.checks.host import check_host
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts.facts import Facts, FileSystem, Host, Inotify, Listener

MIB = 1 << 20
DIRECTORIES = ("/var/lib/podlab", "/var/lib/containerd", "/opt/podlab", "/var/log", "/etc", "/usr")


def one_disk(free_mib: int) -> tuple[FileSystem, ...]:
    return (FileSystem(directories=DIRECTORIES, free_bytes=free_mib * MIB),)


def disks(directory: str, free_mib: int, *, read_only: bool = False) -> tuple[FileSystem, ...]:
    """One for the directory, another with room for all the others."""
    others = tuple(name for name in DIRECTORIES if name != directory)
    return (
        FileSystem(directories=others, free_bytes=20480 * MIB),
        FileSystem(directories=(directory,), free_bytes=free_mib * MIB, read_only=read_only),
    )


def facts(**changes: Any) -> Facts:
    fit = Facts(
        place="boot 1",
        root=True,
        python=(3, 11, 2),
        os_id="debian",
        os_version="12",
        os_name="Debian GNU/Linux 12 (bookworm)",
        architecture="x86_64",
        kernel="6.1.0-18-amd64",
        systemd=True,
        hostname="n1",
        machine_id="a" * 32,
        cpus=2,
        memory_bytes=2048 * MIB,
        filesystems=one_disk(20480),
        inotify=Inotify(instances=1024),
        missing_features=(),
        cgroup_controllers=frozenset({"cpu", "memory", "pids"}),
        listeners=(Listener(22, "sshd", 1, "ssh.service"),),
        name_servers=(),
        subnets=(),
        clock_ahead_s=(-0.2, 0.1),
    )
    return replace(fit, **changes)


def host(group: str = "nodes", **variables: Any) -> Host:
    return Host(name="n1", groups=frozenset({group}), variables=variables)


@pytest.mark.parametrize("group", ["masters", "nodes"])
def test_a_fit_host_gives_no_finding(group: str) -> None:
    assert check_host(host(group), facts()) == []


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"root": False}, "sudo", "does not make the user root"),
        ({"os_version": "11", "os_name": "Debian 11"}, "os", "it runs Debian 11"),
        ({"os_id": "ubuntu", "os_version": "20.04", "os_name": "Ubuntu 20.04"}, "os", "it runs Ubuntu 20.04"),
        ({"os_id": "fedora", "os_version": "41", "os_name": "Fedora 41"}, "os", "it runs Fedora 41"),
        ({"os_id": "", "os_version": "", "os_name": ""}, "os", "an unnamed system"),
        ({"systemd": False}, "systemd", "process 1 is not systemd"),
        ({"architecture": "armv7l"}, "architecture", "armv7l"),
        ({"python": (3, 9, 2)}, "python", "python3 is 3.9.2; Podlab needs 3.11 or newer"),
        ({"memory_bytes": 400 * MIB}, "memory", "400 MiB of memory and needs 512 MiB"),
        (
            {"filesystems": one_disk(900)},
            "disk",
            "only 900 MiB are free for /opt/podlab, /var/lib/containerd, /var/lib/podlab, /var/log; 2048 MiB are",
        ),
        (
            {"filesystems": disks("/var/lib/containerd", 900)},
            "disk",
            "only 900 MiB are free for /var/lib/containerd; 2048 MiB are needed",
        ),
        ({"filesystems": disks("/var/log", 100)}, "disk", "only 100 MiB are free for /var/log; 128 MiB are needed"),
        ({"filesystems": disks("/opt/podlab", 100)}, "disk", "only 100 MiB are free for /opt/podlab; 256 MiB"),
        ({"filesystems": disks("/usr", 9000, read_only=True)}, "disk", "the file system of /usr is read-only"),
        ({"filesystems": disks("/etc", 9000, read_only=True)}, "disk", "the file system of /etc is read-only"),
        ({"missing_features": ("overlay",)}, "kernel", "kernel 6.1.0-18-amd64 has no overlay"),
        ({"missing_features": ("vxlan",)}, "kernel", "kernel 6.1.0-18-amd64 has no vxlan"),
        ({"cgroup_controllers": frozenset({"cpu", "pids"})}, "cgroups", "no cgroup controller for memory"),
        ({"clock_ahead_s": (5.0, 5.3)}, "clock", "5.0 s ahead of this machine's"),
        ({"clock_ahead_s": (-9.0, -8.5)}, "clock", "8.5 s behind this machine's"),
        (
            {"listeners": (Listener(7450, "nginx", 31, "nginx.service"),)},
            "port",
            "held by nginx (process 31) of nginx.serv",
        ),
        (
            {"name_servers": (Listener(53, "dnsmasq", 31, "dnsmasq.service"),)},
            "port",
            "port 53 at every address, also at the cluster DNS's, is held by dnsmasq (process 31) of dnsmasq.service",
        ),
        (
            {"listeners": (Listener(7451),)},
            "port",
            "port 7451, which Podlab's proxy needs, is held by an unknown process",
        ),
    ],
)
def test_one_thing_wrong_gives_one_error_that_names_it(changes: dict[str, Any], check: str, words: str) -> None:
    (finding,) = check_host(host(), facts(**changes))
    assert (finding.host, finding.severity, finding.check) == ("n1", Severity.ERROR, check)
    assert words in finding.cause
    assert finding.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"os_version": "13"},
        {"os_version": ""},
        {"os_id": "ubuntu", "os_version": "22.04"},
        {"architecture": "aarch64"},
        {"listeners": (Listener(7450, "podlab-kubelet", 31, "podlab-kubelet.service"),)},
        {"listeners": (Listener(7443, "nginx", 31, "nginx.service"),)},
        {"filesystems": disks("/usr", 0)},  # most packages are there already, and apt itself says what does not fit
        {"inotify": Inotify(instances=128)},  # site.yml raises it
        # The clock was read at some moment within the bounds: what may be right is not called wrong.
        {"clock_ahead_s": (-3.0, 4.0)},
    ],
)
def test_what_is_fine_on_a_node_gives_no_finding(changes: dict[str, Any]) -> None:
    assert check_host(host(), facts(**changes)) == []


def test_each_group_is_asked_for_its_own_ports() -> None:
    taken = facts(listeners=tuple(Listener(port, "nginx", 31) for port in (7443, 7444, 7445, 7450, 7451)))
    named = [finding.cause.split(",")[0] for finding in check_host(host("masters"), taken)]
    assert named == ["port 7443", "port 7444", "port 7445"]
    both = Host(name="n1", groups=frozenset({"masters", "nodes"}))
    assert len(check_host(both, taken)) == 5


def test_who_holds_the_ports_of_ingresses_is_told_where_they_are_to_be_served() -> None:
    taken = facts(listeners=tuple(Listener(port, "nginx", 31, "nginx.service") for port in (80, 443)))
    assert check_host(host("nodes"), taken) == []
    serving = Host(name="n1", groups=frozenset({"nodes", "ingress"}))
    causes = [finding.cause for finding in check_host(serving, taken)]
    held = "which Podlab's Ingress needs, is held by nginx (process 31) of nginx.service"
    assert causes == [f"port {port}, {held}" for port in (80, 443)]
    ours = facts(listeners=(Listener(80, "haproxy", 31, "podlab-haproxy.service"),))
    assert check_host(serving, ours) == []


def test_a_disk_that_is_nearly_full_is_a_warning() -> None:
    (finding,) = check_host(host(), facts(filesystems=one_disk(3000)))
    assert (finding.severity, finding.check) == (Severity.WARNING, "disk")


def test_what_a_master_does_not_fill_may_be_full_or_read_only() -> None:
    assert check_host(host("masters"), facts(filesystems=disks("/var/lib/containerd", 0))) == []
    assert check_host(host("masters"), facts(filesystems=disks("/usr", 0, read_only=True))) == []


def test_too_few_inotify_instances_that_only_the_machine_beneath_can_raise_are_a_warning() -> None:
    (finding,) = check_host(host(), facts(inotify=Inotify(instances=128, raisable=False)))
    assert (finding.severity, finding.check) == (Severity.WARNING, "inotify")
    assert "sysctl -w fs.inotify.max_user_instances=1024" in finding.remedy


def test_what_is_required_can_be_set_in_the_inventory() -> None:
    (finding,) = check_host(host(preflight_memory_mib=4096), facts())
    assert "2048 MiB of memory and needs 4096 MiB" in finding.cause
    assert check_host(host(preflight_disk_mib="100"), facts(filesystems=one_disk(900))) == []


@pytest.mark.parametrize("value", ["lots", -1, True, 1.5, None])
def test_a_variable_of_the_wrong_type_is_named(value: object) -> None:
    (finding,) = check_host(host(preflight_memory_mib=value), facts())
    assert finding.check == "variable"
    assert finding.cause == f"preflight_memory_mib is {value!r}, not a whole number of MiB"


@pytest.mark.parametrize("exact", [{"memory_bytes": 512 * MIB}, {"filesystems": one_disk(4096)}])
def test_a_host_with_just_enough_is_fit(exact: dict[str, Any]) -> None:
    assert check_host(host(), facts(**exact)) == []
