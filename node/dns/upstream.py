"""Who is asked about names that are not the cluster's, and names that the administrator adds: a ConfigMap, read. Pure.

ConfigMap `kube-system/cluster-dns` has, all of them optional:

    forwarders    an address a line, or address:port; without it, the node's own resolvers
    stubDomains   a domain a line, and behind it the servers that know about it
    hosts         as in hosts(5): an address a line, and behind it its names
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from node.dns.record import BadName, Record, Records, address, name_to_wire, reverse_name

NAMESPACE, NAME = "kube-system", "cluster-dns"
PORT = 53
ROOT = "."
_KEYS = ("forwarders", "hosts", "stubDomains")

Upstreams = Mapping[str, Sequence[str]]
"""Domain, `.` for all others, to servers as `address@port`."""


@dataclass(frozen=True)
class UpstreamConfig:
    """What the ConfigMap says. `forwarders` empty: the node's own resolvers."""

    forwarders: tuple[str, ...] = ()
    stub_domains: Upstreams = field(default_factory=dict)
    hosts: Records = field(default_factory=dict)

    def upstreams(self, own: Sequence[str]) -> Upstreams:
        """Who is asked; `own` are the node's resolvers."""
        return {**self.stub_domains, ROOT: self.forwarders or own}


class BadConfig(ValueError):
    """The ConfigMap cannot be used; the message has all places, values and rules that are not kept."""


def written(
    forwarders: Sequence[str], stub_domains: Mapping[str, Sequence[str]], hosts: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The same as a ConfigMap's data; what is empty is left out."""
    texts = {
        "forwarders": "\n".join(forwarders),
        "stubDomains": "\n".join(" ".join((name, *servers)) for name, servers in stub_domains.items()),
        "hosts": "\n".join(" ".join((at, *names)) for at, names in hosts.items()),
    }
    return {key: text for key, text in texts.items() if text}


def parse(data: Mapping[str, str], domain: str, *, where: str = f"ConfigMap {NAMESPACE}/{NAME}") -> UpstreamConfig:
    """What the data says; `domain` is the cluster's. Raises BadConfig: all of it counts, or nothing."""
    problems = [f"{key}: not known; use {', '.join(_KEYS)}" for key in sorted(data.keys() - set(_KEYS))]
    forwarders = tuple(_forwarders(data.get("forwarders", ""), problems))
    stubs = dict(_stubs(data.get("stubDomains", ""), domain, problems))
    hosts = _hosts(data.get("hosts", ""), domain, problems)
    if problems:
        raise BadConfig(f"{where}: {'; '.join(problems)}")
    return UpstreamConfig(forwarders, stubs, hosts)


def asked_about(name: str, upstreams: Upstreams) -> str:
    """Who is asked about the name, in words."""
    parts = name.split(".")
    domains = [".".join(parts[at:]) for at in range(len(parts))]
    domain = next((each for each in domains if each in upstreams), ROOT)
    servers = ", ".join(upstreams.get(domain, ()))
    what = "forwarded" if domain == ROOT else f"stub domain {domain}: forwarded"
    return f"{what} to {servers}" if servers else "there is nobody to ask"


def server(text: str) -> str:
    """`address@port` of an address, address:port or [address]:port. Raises ValueError where it is none of them."""
    host, port = text, str(PORT)
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"port {port!r} is not between 1 and 65535")
    return f"{ip_address(host)}@{int(port)}"


def _lines(key: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """Where it stands, and its words; without comments and empty lines."""
    for number, each in enumerate(text.splitlines(), 1):
        if words := each.partition("#")[0].split():
            yield f"{key}, line {number}", words


def _servers(where: str, words: Sequence[str], problems: list[str]) -> Iterator[str]:
    for word in words:
        try:
            yield server(word)
        except ValueError as error:
            problems.append(f"{where}: {word!r} is no address or address:port of a server: {error}")


def _forwarders(text: str, problems: list[str]) -> Iterator[str]:
    for where, words in _lines("forwarders", text):
        yield from _servers(where, words, problems)


def _stubs(text: str, cluster: str, problems: list[str]) -> Iterator[tuple[str, Sequence[str]]]:
    for where, (name, *servers) in _lines("stubDomains", text):
        domain = _name(where, name, cluster, problems)
        if not servers:
            problems.append(f"{where}: {name} has no server; write its address behind it")
        found = tuple(_servers(where, servers, problems))
        if domain:
            yield domain, found


def _hosts(text: str, cluster: str, problems: list[str]) -> Records:
    found: defaultdict[str, set[Record]] = defaultdict(set)
    for where, (at, *names) in _lines("hosts", text):
        try:
            record, back = address(at), reverse_name(at)
        except ValueError:
            problems.append(f"{where}: {at!r} is no IP address; write the address first and its names behind it")
            continue
        known = [name for each in names if (name := _name(where, each, cluster, problems))]
        for name in known:
            found[name].add(record)
        if known:
            found[back].add(Record("PTR", known[0]))
    return {name: frozenset(records) for name, records in found.items()}


def _name(where: str, text: str, cluster: str, problems: list[str]) -> str:
    """The name as our records have it; empty where it cannot be one."""
    name = text.rstrip(".").lower()
    try:
        name_to_wire(name)
    except BadName as error:
        problems.append(f"{where}: {error}")
        return ""
    if name == cluster or name.endswith(f".{cluster}"):
        problems.append(f"{where}: {name} is the cluster's own; only Services have names there")
        return ""
    return name
