"""What is wrong with one host, judged from its facts alone."""

from collections.abc import Callable, Iterator
from typing import Final

from podlab.deploy.preflight.checks.existing import found_kubernetes, found_runtime
from podlab.deploy.preflight.checks.filesystems import disks, watches
from podlab.deploy.preflight.checks.requirements import (
    CLOCK_SKEW_S,
    CONTROLLERS,
    OWN_UNITS,
    PORT_TRIAL,
    PORTS,
    PYTHON,
    SERVED,
    SYSTEMS,
    VariableError,
    required_amounts,
    uses_vxlan,
)
from podlab.deploy.preflight.checks.surroundings import links_managed, name_servers, swap, ways_out
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Facts, Host, Listener

_MIB: Final = 1 << 20

_FEATURE_REMEDY: Final = {
    "overlay": "containerd keeps images on overlayfs",
    "br_netfilter": "Services need bridged packets to pass iptables",
    "bridge": "pods are joined by a bridge",
    "veth": "pods are joined by veth pairs",
    "vxlan": "pods' packets cross network segments in VXLAN, but for podlab_network_overlay: never",
    "nf_tables": "Services are iptables rules",
    "nf_conntrack": "Services need connection tracking",
}


def check_host(host: Host, facts: Facts) -> list[Finding]:
    try:
        return [finding for check in _CHECKS for finding in check(host, facts)]
    except VariableError as wrong:
        return [error(host.name, "variable", str(wrong), "correct it in the inventory")]


def _root(host: Host, facts: Facts) -> Iterator[Finding]:
    if not facts.root:
        yield error(
            host.name, "sudo", "sudo there does not make the user root", "allow the user to run everything as root"
        )


def _system(host: Host, facts: Facts) -> Iterator[Finding]:
    supported = " or ".join(f"{name.capitalize()} {oldest:g}" for name, oldest in SYSTEMS.items())
    oldest = SYSTEMS.get(facts.os_id)
    if oldest is None or _release(facts.os_version) < oldest:
        found = facts.os_name or "an unnamed system"
        yield error(host.name, "os", f"it runs {found}", f"use {supported} or newer")
    if not facts.systemd:
        yield error(host.name, "systemd", "its process 1 is not systemd", "boot the host with systemd")
    if facts.architecture not in ("x86_64", "aarch64"):
        yield error(host.name, "architecture", f"its machine is {facts.architecture}", "use x86_64 or aarch64")


def _release(version: str) -> float:
    """Debian's testing and unstable have no number: they are newer than any."""
    major, _, minor = version.partition(".")
    if not major:
        return float("inf")
    return float(f"{major}.{minor or 0}") if (major + minor).isdecimal() else 0.0


def _python(host: Host, facts: Facts) -> Iterator[Finding]:
    if facts.python < PYTHON:
        found = ".".join(map(str, facts.python))
        yield error(
            host.name,
            "python",
            f"its python3 is {found}; Podlab needs {PYTHON[0]}.{PYTHON[1]} or newer",
            "upgrade the distribution, or install a newer python3 as the default",
        )


def _memory(host: Host, facts: Facts) -> Iterator[Finding]:
    needed = required_amounts(host).memory_bytes
    if facts.memory_bytes < needed:
        yield error(
            host.name,
            "memory",
            f"it has {facts.memory_bytes // _MIB} MiB of memory and needs {needed // _MIB} MiB",
            "give the host more memory (preflight_memory_mib in the inventory sets what is required)",
        )


def _kernel(host: Host, facts: Facts) -> Iterator[Finding]:
    for feature in facts.missing_features:
        if feature == "vxlan" and not uses_vxlan(host):
            continue
        yield error(
            host.name,
            "kernel",
            f"kernel {facts.kernel} has no {feature}: {_FEATURE_REMEDY[feature]}",
            f"boot the distribution's full kernel, or install its extra modules, so that modprobe {feature} works",
        )


def _cgroups(host: Host, facts: Facts) -> Iterator[Finding]:
    missing = [name for name in CONTROLLERS if name not in facts.cgroup_controllers]
    if missing:
        yield error(
            host.name,
            "cgroups",
            f"no cgroup controller for {', '.join(missing)}",
            " ".join(f"cgroup_enable={name}" for name in missing) + " on the kernel's command line, then reboot",
        )


def _ports(host: Host, facts: Facts) -> Iterator[Finding]:
    listening = {**PORTS, **SERVED}
    wanted = {port: name for group in sorted(host.groups) for port, name in listening[group].items()}
    for listener in facts.listeners:
        if listener.port in wanted and not _is_ours(listener):
            cause = (
                f"port {listener.port}, which Podlab's {wanted[listener.port]} needs, is held by {_holder(listener)}"
            )
            yield error(host.name, "port", cause, _stop(listener))
    for listener in facts.name_servers if "nodes" in host.groups else ():
        if not _is_ours(listener):
            cause = f"port 53 at every address, also at the cluster DNS's, is held by {_holder(listener)}"
            remedy = f"have it listen at addresses that it names (dnsmasq: bind-interfaces), or {_stop(listener)}"
            yield error(host.name, "port", cause, remedy)


def _is_ours(listener: Listener) -> bool:
    return listener.unit.startswith(OWN_UNITS) or listener.process == PORT_TRIAL


def _holder(listener: Listener) -> str:
    process = f"{listener.process} (process {listener.pid})" if listener.process else "an unknown process"
    return f"{process} of {listener.unit}" if listener.unit else process


def _stop(listener: Listener) -> str:
    return f"systemctl disable --now {listener.unit}" if listener.unit else f"end process {listener.pid}"


def _clock(host: Host, facts: Facts) -> Iterator[Finding]:
    low, high = facts.clock_ahead_s
    if low > CLOCK_SKEW_S or high < -CLOCK_SKEW_S:
        ahead = low > 0
        seconds = low if ahead else -high
        yield error(
            host.name,
            "clock",
            f"its clock is {seconds:.1f} s {'ahead of' if ahead else 'behind'} this machine's; "
            f"certificates and leases bear {CLOCK_SKEW_S:g} s",
            "set the clock by NTP: apt-get install systemd-timesyncd && timedatectl set-ntp true",
        )


_CHECKS: Final[tuple[Callable[[Host, Facts], Iterator[Finding]], ...]] = (
    _root,
    _system,
    _python,
    _memory,
    disks,
    watches,
    _kernel,
    _cgroups,
    _ports,
    _clock,
    found_runtime,
    found_kubernetes,
    links_managed,
    swap,
    ways_out,
    name_servers,
)
