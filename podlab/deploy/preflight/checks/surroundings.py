"""What of a host's own settings would be in pods' way: who manages its links, swap, ways out and name servers. Pure."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, Host

_MIB: Final = 1 << 20
_LINKS: Final = {"podlab0": "bridge", "podlab-vxlan": "vxlan", "veth0a1b2c3d": "veth"}
"""Links of Podlab and their kinds, which are their drivers' names, too; the last is a pod's."""
_HAS: Final = ("Name", "Type", "Kind", "Driver")
_HAS_NOT: Final = ("MACAddress", "PermanentMACAddress", "Path", "Property", "SSID", "BSSID", "WLANInterfaceType")
"""Settings of a section [Match] that tell links apart; ours have values for the first of them alone."""


def links_managed(host: Host, facts: Facts) -> Iterator[Finding]:
    """Whoever takes pods' links for the host's own takes them off their bridge, or gives them addresses."""
    if "nodes" not in host.groups or host.variables.get("podlab_network", "podlab") != "podlab":
        return
    for path, text in (facts.link_managers.networkd or {}).items():
        if taken := [link for link in _LINKS if _takes(text, link)]:
            yield error(
                host.name,
                "links",
                f"systemd-networkd reads {path} before Podlab's 00-podlab.network, and it matches {', '.join(taken)}: "
                "pods would lose their network",
                f"name the host's own links in its section [Match], or rename it: mv {path} "
                f"{path.rpartition('/')[0]}/50-{path.rpartition('/')[2]}",
            )
    dhcpcd = facts.link_managers.dhcpcd
    if dhcpcd is not None and (taken := [link for link in _LINKS if _asks_for(dhcpcd, link)]):
        yield warning(
            host.name,
            "links",
            f"dhcpcd takes {', '.join(taken)} for links of the host's: they would get addresses and routes",
            "above any line `interface` in /etc/dhcpcd.conf: denyinterfaces podlab* veth*; then restart dhcpcd",
        )


def _takes(text: str, link: str) -> bool:
    """Whether systemd-networkd would manage the link by the file: https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html."""
    sections = re.split(r"(?m)^\[(\w+)\]\s*$", text)
    settings = [
        (name, re.findall(r"(?m)^(\w+)[ \t]*=[ \t]*(.*)$", body))
        for name, body in zip(sections[1::2], sections[2::2], strict=True)
    ]
    if ("Unmanaged", "yes") in [each for name, found in settings if name == "Link" for each in found]:
        return False
    match = dict(each for name, found in settings if name == "Match" for each in found)
    has = {"Name": link, "Type": "ether", "Kind": _LINKS[link], "Driver": _LINKS[link]}
    told = [(key, value) for key, value in match.items() if key in (*_HAS, *_HAS_NOT) and value]
    return bool(told) and all(_fits(value, has.get(key, "")) for key, value in told)


def _fits(patterns: str, value: str) -> bool:
    """Patterns of a shell with blanks between them; a `!` before all of them turns the answer round."""
    fits = any(fnmatchcase(value, pattern) for pattern in patterns.removeprefix("!").split())
    return fits is not patterns.startswith("!")


def _asks_for(dhcpcd: Mapping[str, str], link: str) -> bool:
    allowed, denied = dhcpcd["allow"], dhcpcd["deny"]
    return (not allowed or _fits(allowed, link)) and not _fits(denied, link)


def swap(host: Host, facts: Facts) -> Iterator[Finding]:
    """As kubelets' failSwapOn, but no reason to refuse the host: https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/."""
    if "nodes" in host.groups and facts.swap_bytes:
        yield warning(
            host.name,
            "swap",
            f"{facts.swap_bytes // _MIB} MiB of swap are on: memory that pods are promised may be on the disk",
            "swapoff --all, and take it out of /etc/fstab",
        )


def ways_out(host: Host, facts: Facts) -> Iterator[Finding]:
    """The kernel looks for a way before the rules of Services lead a packet elsewhere."""
    if "nodes" in host.groups and not facts.default_route:
        yield warning(
            host.name,
            "route",
            "it has no default route: its own programs reach no Service by its address, and pods nothing outside",
            "give it one where its network is set up, even one that leads nowhere: ip route add default via GATEWAY",
        )


def name_servers(host: Host, facts: Facts) -> Iterator[Finding]:
    """The cluster's DNS asks them for all names that are not the cluster's."""
    if "nodes" not in host.groups or any(facts.resolvers.values()):
        return
    asked = ", ".join(facts.resolvers)
    cause = f"no name server of it answers ({asked})" if asked else "its /etc/resolv.conf names no name server"
    yield warning(
        host.name,
        "dns",
        f"{cause}: pods would know the cluster's names alone, and images come from nowhere",
        "name one in /etc/resolv.conf that answers; without a network, a bundle has what is needed (docs/offline.md)",
    )
