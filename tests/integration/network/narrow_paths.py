"""Preflight's scripts on hosts of two segments: a path that is narrower than the interfaces, told and untold, and a
closed port for VXLAN."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from podlab_testing.segments import ROUTER, Segments, at, script

from podlab.deploy.preflight.checks.paths import echo_awaited, judged_paths, targets_for
from podlab.deploy.preflight.hosts import path_trial, port_trial
from podlab.deploy.preflight.hosts.facts import Host
from podlab.ports import VXLAN

HOSTS = tuple(
    Host(name=name, groups=frozenset({"nodes"}), variables={"podlab_address": address})
    for name, address in (("n1", "192.0.2.1"), ("n2", "192.0.2.2"), ("n3", "198.51.100.3"))
)
SAYS_NOTHING = ("OUTPUT", "-p", "icmp", "--icmp-type", "fragmentation-needed", "-j", "DROP")


def findings(attended: bool = True) -> list[str]:
    """Preflight's, with "check: cause". All hosts try their paths at once, as they do when Ansible asks them."""
    senders = {host.name: echo_awaited(host, HOSTS) if attended else [] for host in HOSTS}
    opened = {
        name: script(
            name, port_trial, {"act": "listen", "host": name, "awaited": {}, "echo_port": VXLAN, "senders": of}
        )
        for name, of in senders.items()
    }

    def try_paths(host: Host) -> Any:
        return script(host.name, path_trial, {"host": host.name, "targets": targets_for(host, HOSTS, opened)})

    with ThreadPoolExecutor(len(HOSTS)) as side_by_side:
        tried = dict(zip([host.name for host in HOSTS], side_by_side.map(try_paths, HOSTS), strict=True))
    return [f"{found.check}: {found.severity}: {found.cause}" for found in judged_paths(HOSTS, tried)]


def main() -> None:
    Segments()
    assert findings() == []
    assert findings(attended=False) == []

    at(ROUTER, "ip", "link", "set", "br-198-51-100", "mtu", "1400")
    narrow = (
        "from n1 and n2 packets of more than 1400 bytes do not get to 198.51.100.3, though eth0 there sends up to 1500"
    )
    for attended in (True, False):
        assert findings(attended) == [f"mtu: warning: {narrow}; what stands between says so"]

    at(ROUTER, "iptables", "-A", *SAYS_NOTHING)
    for attended in (True, False):
        assert findings(attended) == [f"mtu: error: {narrow}, and nobody says so: connections would hang"]
    at(ROUTER, "iptables", "-D", *SAYS_NOTHING)
    at(ROUTER, "ip", "link", "set", "br-198-51-100", "mtu", "1500")

    for place in ("n2", "n3"):
        at(place, "iptables", "-A", "INPUT", "-p", "udp", "--dport", str(VXLAN), "-j", "DROP")
    closed = [found.partition(" (VXLAN)")[0] for found in findings()]
    assert closed == [  # between n1 and n2 it is not needed
        "way: error: n1 and n2 cannot reach 198.51.100.3 UDP port 4789",
        "way: error: n3 cannot reach 192.0.2.2 UDP port 4789",
    ], closed


if __name__ == "__main__":
    main()
