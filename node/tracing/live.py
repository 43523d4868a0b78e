"""What the node has at this moment: tables with their counters, addresses, routes, and the way to a pod's door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from node.command import CommandError, NotInstalled, output
from node.family import Family
from node.iptables import Iptables
from node.nftables import Nft
from node.tracing.follow import Surroundings
from node.tracing.iptables_rules import tables_of as iptables_tables
from node.tracing.nftables_tables import tables_of as nftables_tables
from node.tracing.tables import IPTABLES, IPTABLES_LEGACY, Table

# The kernel names here which tables of legacy iptables there are; asking that program would make them.
_LEGACY_TABLES = {"ip": Path("/proc/net/ip_tables_names"), "ip6": Path("/proc/net/ip6_tables_names")}
_OF_IPTABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})
_PACKAGE = "iproute2"


async def tables(family: Family, nft: Nft) -> list[Table]:
    """All tables that packets of the family meet, whoever wrote them. Raises CommandError."""
    found: list[Table] = []
    for backend, program in (("nft", IPTABLES), ("legacy", IPTABLES_LEGACY)):
        if backend == "legacy" and not await asyncio.to_thread(_has_legacy, family):
            continue
        try:
            saved = await Iptables(backend, family).save(counters=True)
        except NotInstalled:
            continue
        found += await asyncio.to_thread(iptables_tables, saved, program, family.nft)
    return found + await _nftables(family, nft)


async def _nftables(family: Family, nft: Nft) -> list[Table]:
    """But for those that iptables writes through nftables, which are read above."""
    try:
        names = await nft.tables()
    except NotInstalled:
        return []
    found: list[Table] = []
    for kind, name in names:
        if kind in (family.nft, "inet") and not (kind != "inet" and name in _OF_IPTABLES):
            found += await asyncio.to_thread(nftables_tables, await nft.words(kind, name))
    return found


def _has_legacy(family: Family) -> bool:
    try:
        return bool(_LEGACY_TABLES[family.nft].read_text().strip())
    except OSError:
        return False


async def surroundings(family: Family) -> Surroundings:
    """The node's addresses and routes of that family. Raises CommandError."""
    version = "-6" if family.nft == "ip6" else "-4"
    links = json.loads(await _ip("-j", version, "address", "show"))
    routes = json.loads(await _ip("-j", version, "route", "show", "table", "main"))
    addresses = {each["local"] for link in links for each in link.get("addr_info", ())}
    interfaces: dict[str, str] = {}
    for route in routes:
        destination = family.everything if route["dst"] == "default" else route["dst"]
        if "dev" in route:
            interfaces.setdefault(destination if "/" in destination else f"{destination}/{family.bits}", route["dev"])
    return Surroundings(frozenset(addresses), interfaces)


async def way_to(address: str) -> list[str]:
    """What is behind the rules, one part each: route, tunnel, or bridge and veth. Empty without iproute2."""
    try:
        (route,) = json.loads(await _ip("-j", "route", "get", address))
    except NotInstalled:
        return []
    except CommandError as error:
        return [f"no route ({str(error).rpartition(': ')[2]})"]
    device, gateway = str(route.get("dev", "")), str(route.get("gateway", ""))
    if route.get("type") == "local" or device == "lo":
        return ["stays on this node"]
    (link,) = json.loads(await _ip("-j", "-d", "link", "show", "dev", device))
    kind = link.get("linkinfo", {}).get("info_kind", "")
    via = f" through {gateway}" if gateway else ""
    if kind == "vxlan":
        return [f"route{via} by {device}", await _tunnel(device, gateway or address, link["linkinfo"]["info_data"])]
    if kind == "bridge":
        return [f"bridge {device}", await _door(device, address)]
    return [f"route{via} by {device}, MTU {link.get('mtu', '?')}"]


async def _tunnel(device: str, gateway: str, data: Mapping[str, object]) -> str:
    mac = await _mac(device, gateway)
    entries = json.loads(await output(["bridge", "-j", "fdb", "show", "dev", device], package=_PACKAGE))
    far = next((str(each["dst"]) for each in entries if each.get("mac") == mac and "dst" in each), "")
    where = f"to {far}" if far else "to nobody: the forwarding table has no entry for it"
    return f"VXLAN {data.get('id', '?')} {where}, UDP port {data.get('port', '?')}"


async def _door(bridge: str, address: str) -> str:
    """The veth of the pod, as the bridge has learned it; it forgets those that are silent for minutes."""
    mac = await _mac(bridge, address)
    if not mac:
        return f"the link of {address} is not known: nothing was sent to it lately"
    entries = json.loads(await output(["bridge", "-j", "fdb", "show", "br", bridge], package=_PACKAGE))
    port = next((str(each["ifname"]) for each in entries if each.get("mac") == mac and each["ifname"] != bridge), "")
    return f"{port}, the pod's eth0 ({mac})" if port else f"the pod's eth0 ({mac}), whose link is silent"


async def _mac(device: str, address: str) -> str:
    found = json.loads(await _ip("-j", "neigh", "show", address, "dev", device))
    return next((str(each["lladdr"]) for each in found if "lladdr" in each), "")


async def _ip(*words: str) -> str:
    return await output(["ip", *words], package=_PACKAGE)
