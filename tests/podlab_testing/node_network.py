"""What a lab's node has of the cluster's network: rules, sets, routes, addresses, names, flows, pods' addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from node import iptables
from node.dns import journal
from podlab.lab.lab import Lab

READ = r"""
import json, os, subprocess
def run(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout
def read(path):
    try:
        return open(path).read()
    except FileNotFoundError:
        return ""
listed = json.loads(run("nft", "-j", "list", "tables") or "{}").get("nftables", [])
own = [each["table"] for each in listed if each.get("table", {}).get("name", "").startswith("podlab")]
names = ["iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"]
leases = "/var/lib/cni/networks/podlab"
print(json.dumps({
    "saved": {name: run(f"{name}-save") for name in names},
    "nft": [json.loads(run("nft", "-j", "list", "table", each["family"], each["name"])) for each in own],
    "addresses": json.loads(run("ip", "-j", "addr")),
    "routes": run("ip", "-4", "route", "show", "table", "all") + run("ip", "-6", "route", "show", "table", "all"),
    "rules": run("ip", "rule") + run("ip", "-6", "rule"),
    "ports": json.loads(run("ip", "-j", "link", "show", "master", "podlab0") or "[]"),
    "records": read("/run/podlab-dns/records"),
    "config": read("/run/podlab-dns/config"),
    "leases": [name for name in (os.listdir(leases) if os.path.isdir(leases) else []) if name[0].isdigit()],
    "flows": read("/proc/net/nf_conntrack"),
}))
"""
# Of each pod's own: they come and go with it, and are counted instead.
_POD_LINK = re.compile(r"\bveth\w+")
_LIFETIMES = re.compile(r" expires \S+")


@dataclass(frozen=True)
class Flow:
    """Whom the client asked, and who answers."""

    protocol: str
    source: str
    destination: str
    port: int
    endpoint: str


@dataclass(frozen=True)
class NodeNetwork:
    """One look. `parts` can be compared with those of another look: (what, its name) -> its content."""

    parts: Mapping[tuple[str, str], object]
    leases: frozenset[str]
    pod_links: int
    flows: tuple[Flow, ...]


def look(lab: Lab, node: str) -> NodeNetwork:
    """The node as it is now."""
    done = lab.run(node, ["python3", "-c", READ])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return NodeNetwork(
        dict(_parts(found)), frozenset(found["leases"]), len(found["ports"]), tuple(_flows(found["flows"]))
    )


def differences(one: NodeNetwork, other: NodeNetwork) -> list[str]:
    """What of the parts the two do not share, in words."""
    told = []
    for key in sorted(one.parts.keys() | other.parts.keys()):
        first, second = one.parts.get(key), other.parts.get(key)
        if first != second:
            told.append(f"{' '.join(key)}: {_short(first)} <> {_short(second)}")
    return told


def _short(content: object) -> str:
    text = "nothing" if content is None else str(content)
    return text if len(text) < 600 else f"{text[:600]} ..."


def _parts(found: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], object]]:
    for program, saved in found["saved"].items():
        for name, table in iptables.parse(saved).items():
            # Those of the proxy and of the network stand in any order where they translate, and only there.
            yield (program, f"{name} jumps"), sorted(table.jumps) if name == "nat" else table.jumps
            for chain, rules in table.chains.items():
                yield (program, f"{name} {chain}"), rules
    for listing in found["nft"]:
        yield from _nft_parts(listing["nftables"])
    for link in found["addresses"]:
        if not _POD_LINK.match(link["ifname"]):
            addresses = [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]]
            # The kernel makes a bridge's own from its ports.
            yield ("addresses", link["ifname"]), sorted(each for each in addresses if not each.startswith("fe80"))
    yield ("routes", ""), sorted(_routes(found["routes"]))
    yield ("rules", ""), found["rules"].splitlines()
    for name, line in journal.replay(found["records"]).items():
        yield ("name", _readable(name)), " ".join(sorted(line.split(" ")[2:]))
    yield ("names", "configuration"), found["config"]


def _routes(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not _POD_LINK.search(line) and "fe80" not in line and "ff00" not in line:
            yield _LIFETIMES.sub("", line).strip()


def _readable(digits: str) -> str:
    wire, labels = bytes.fromhex(digits), []
    while wire and wire[0]:
        labels.append(wire[1 : 1 + wire[0]].decode(errors="replace"))
        wire = wire[1 + wire[0] :]
    return ".".join(labels)


def _nft_parts(listing: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], object]]:
    rules: dict[str, list[str]] = {}
    for each in listing:
        ((what, body),) = each.items()
        if what == "rule":
            text = json.dumps(_without_counts(body["expr"])) + body.get("comment", "")
            rules.setdefault(f"{body['family']} {body['table']} {body['chain']}", []).append(text)
        elif what in ("set", "map", "chain"):
            body.pop("handle")
            elements = sorted(json.dumps(_without_counts(element)) for element in body.pop("elem", []))
            if "timeout" in body.get("flags", []) or body.get("timeout"):
                elements = []  # clients, which time out
            yield ("nft", f"{body['family']} {body['table']} {what} {body['name']}"), (json.dumps(body), elements)
    for chain, texts in rules.items():
        yield ("nft", f"rules of {chain}"), tuple(texts)


def _without_counts(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: None if key == "counter" else _without_counts(value) for key, value in part.items()}
    return [_without_counts(each) for each in part] if isinstance(part, list) else part


def _flows(text: str) -> Iterator[Flow]:
    for line in text.splitlines():
        words = line.split()
        pairs = [word.partition("=") for word in words if "=" in word]
        values = {key: [value for found, _, value in pairs if found == key] for key in ("src", "dst", "sport", "dport")}
        if words[0] == "ipv4" and len(values["sport"]) == 2:
            answering = f"{values['src'][1]}:{values['sport'][1]}"
            yield Flow(words[2], values["src"][0], values["dst"][0], int(values["dport"][0]), answering)
