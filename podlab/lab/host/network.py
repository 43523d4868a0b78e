"""A lab's bridges and their way out; and what of it is on this machine, whoever made it."""

import ipaddress
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from podlab.lab.command import run, succeeds
from podlab.lab.spec import LabSpec, Segment, bridge_names, machine_pattern

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One iptables rule; `where` is its table and chain."""

    table: str
    chain: str
    match: tuple[str, ...]

    def command(self, verb: str) -> list[str]:
        return ["iptables", "--wait", "10", "--table", self.table, verb, self.chain, *self.match]


def rules(spec: LabSpec) -> tuple[Rule, ...]:
    """Hosts reach the world behind this machine's address, also where a firewall forwards nothing by default.

    Those of an isolated lab do not: what they send elsewhere is dropped, which counts it.
    """
    if spec.isolated:
        return tuple(rule for segment in spec.networks for rule in _rules_of_isolated(spec, segment))
    return tuple(rule for segment in spec.networks for rule in _rules_of(spec, segment))


def _rules_of(spec: LabSpec, segment: Segment) -> tuple[Rule, ...]:
    mark = ("-m", "comment", "--comment", rule_mark(spec.name))
    leaving = ("-s", str(segment.network), "!", "-d", spec.subnet, "!", "-o", segment.bridge)
    return (
        # With br_netfilter, which containers need, the kernel shows these rules also what only crosses the bridge:
        # what one host sends to another's pods must keep its address.
        Rule(table="nat", chain="POSTROUTING", match=(*leaving, *mark, "-j", "MASQUERADE")),
        Rule(table="filter", chain="FORWARD", match=("-i", segment.bridge, *mark, "-j", "ACCEPT")),
        Rule(table="filter", chain="FORWARD", match=("-o", segment.bridge, *mark, "-j", "ACCEPT")),
    )


def _rules_of_isolated(spec: LabSpec, segment: Segment) -> tuple[Rule, ...]:
    """The last one put in comes first: pods' packets cross the bridge, and between a lab's segments there is a way."""
    mark = ("-m", "comment", "--comment", rule_mark(spec.name))
    into = ("-i", segment.bridge)
    return (
        Rule(table="filter", chain="FORWARD", match=(*into, *mark, "-j", "DROP")),
        Rule(table="filter", chain="FORWARD", match=(*into, "-d", spec.subnet, *mark, "-j", "ACCEPT")),
        Rule(table="filter", chain="FORWARD", match=(*into, "-o", segment.bridge, *mark, "-j", "ACCEPT")),
    )


def rule_mark(lab: str) -> str:
    return f"podlab-lab:{lab}"


def marked_rules(saved: str, table: str, lab: str) -> tuple[list[str], ...]:
    """The delete commands for a lab's rules, found by their mark in the output of iptables-save."""
    found = []
    for line in saved.splitlines():
        words = line.replace('"', "").split()
        if words and words[0] == "-A" and rule_mark(lab) in words:
            found.append(["iptables", "--wait", "10", "--table", table, "-D", *words[1:]])
    return tuple(found)


def ensure(spec: LabSpec) -> None:
    """Bring up what is missing of the bridges, their addresses and the rules."""
    for segment in spec.networks:
        bridge = segment.bridge
        if not link_exists(bridge):
            run(["ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"])
        run(["ip", "address", "replace", f"{segment.gateway}/{segment.network.prefixlen}", "dev", bridge])
        ipv6 = f"{segment.gateway_ipv6}/{segment.network_ipv6.prefixlen}"
        if not succeeds(["ip", "address", "replace", ipv6, "dev", bridge, "nodad"]):
            log.info("this machine has no IPv6: clusters of both families find no way through the bridge")
        run(["ip", "link", "set", bridge, "up"])
    for rule in rules(spec):
        if not succeeds(rule.command("--check")):
            run(rule.command("--insert"))


def remove(lab: str) -> None:
    """Take away the bridges and every rule that bears the lab's mark, known or forgotten."""
    for table in ("nat", "filter"):
        for command in marked_rules(run(["iptables-save", "--table", table]), table, lab):
            run(command)
    # They go with the hosts' network namespaces, but not at once, and the next host of the name wants one of its own.
    for link in links_to_hosts(run(["ip", "-json", "link", "show", "type", "veth"]), lab):
        succeeds(["ip", "link", "delete", link])  # else it went meanwhile
    for bridge in bridge_names(lab):
        if link_exists(bridge):
            run(["ip", "link", "delete", bridge])


def links_to_hosts(listed: str, lab: str) -> list[str]:
    """This machine's ends of links to a lab's hosts, in what `ip -json link` says of veths.

    systemd-nspawn gives a link whose name is too long a shorter one besides.
    """
    pattern = machine_pattern(lab)
    names = {link["ifname"]: [link["ifname"], *link.get("altnames", [])] for link in json.loads(listed or "[]")}
    return [link for link, known in names.items() if any(pattern.fullmatch(name.removeprefix("vb-")) for name in known)]


def link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def networks_in_use() -> set[str]:
    """Every network that this machine routes somewhere or has an address in."""
    found = set()
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"])):
        if route["dst"] != "default" and route.get("type", "unicast") in ("unicast", "local"):
            found.add(str(ipaddress.ip_network(route["dst"], strict=False)))
    return found
