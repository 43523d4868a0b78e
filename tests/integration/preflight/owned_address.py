"""Two masters ask their segment for the owner of the address that is to move between them: nobody, one of them, a
stranger, a stranger and one of them. For a program started by `unshare --net --mount`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from podlab_testing.segments import ROUTER, Segments, at, script

from podlab.deploy.preflight.checks.floating import asked_by, judged_owners
from podlab.deploy.preflight.hosts import address_trial
from podlab.deploy.preflight.hosts.facts import Host

FLOATING = "192.0.2.9"
HOSTS = tuple(
    Host(
        name=name,
        groups=frozenset({"masters", "keepalived"}),
        variables={"podlab_address": address, "podlab_floating_address": FLOATING},
    )
    for name, address in (("n1", "192.0.2.1"), ("n2", "192.0.2.2"))
)
SEGMENT = "br-192-0-2"


def findings(*asking: Host) -> list[str]:
    """Of the hosts that take part, which ask at once, as they do when Ansible has them ask."""

    def ask(host: Host) -> Any:
        asked = asked_by(host, HOSTS)
        assert asked
        return script(host.name, address_trial, asked)

    with ThreadPoolExecutor(len(asking)) as side_by_side:
        trials = dict(zip([host.name for host in asking], side_by_side.map(ask, asking), strict=True))
    assert {trial["device"] for trial in trials.values()} == {"eth0"}
    return [found.cause for found in judged_owners(asking, {}, trials)]


def main() -> None:
    Segments()
    mac = at(ROUTER, "cat", f"/sys/class/net/{SEGMENT}/address").strip()
    assert findings(*HOSTS) == []

    at("n2", "ip", "address", "add", f"{FLOATING}/32", "dev", "eth0")
    assert findings(*HOSTS) == []
    assert findings(HOSTS[0]) == [], "a master that does not take part has it"
    assert findings(HOSTS[1]) == []

    at(ROUTER, "ip", "address", "add", f"{FLOATING}/32", "dev", SEGMENT)
    told = f"podlab_floating_address {FLOATING} is somebody's already: {mac} answers for it, as"
    assert findings(*HOSTS) == [f"{told} n1 and n2 hear on eth0"]
    assert findings(HOSTS[1]) == [f"{told} n2 hears on eth0"]

    at("n2", "ip", "address", "del", f"{FLOATING}/32", "dev", "eth0")
    assert findings(*HOSTS) == [f"{told} n1 and n2 hear on eth0"]

    at(ROUTER, "ip", "address", "del", f"{FLOATING}/32", "dev", SEGMENT)
    at(ROUTER, "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{SEGMENT}/proxy_arp")
    assert findings(*HOSTS) == [], "a router that answers for others has it"


if __name__ == "__main__":
    main()
