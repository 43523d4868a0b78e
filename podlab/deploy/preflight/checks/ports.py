"""Which ports each host opens for a try, which it tries, and what the tries say: pure.

Only hosts that take part in the run can be asked; of those, each must reach what its components will have to.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from podlab.deploy.preflight.checks.requirements import PORTS, WAYS
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.firewall import answers_closing_rule, closing_rule
from podlab.deploy.preflight.hosts.facts import Host
from podlab.ports import SCHEDULER


def awaited_at(host: Host, hosts: Sequence[Host]) -> dict[int, list[str]]:
    """Port to the names of those that will try it."""
    awaited: dict[int, dict[str, None]] = {}
    for visitor, port in _clients_of(host, hosts):
        awaited.setdefault(port, {})[visitor.name] = None
    return {port: list(names) for port, names in awaited.items()}


def listeners_for(
    visitor: Host, hosts: Sequence[Host], opened: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What a host tries; `opened` is what `listen` told of each host. Ports that strangers hold are told elsewhere."""
    return [
        {
            "host": host.name,
            "address": host.cluster_address,
            "port": port,
            "attended": port in opened[host.name]["open"],
        }
        for host in hosts
        if host.name in opened
        for port in sorted({port for each, port in _clients_of(host, hosts) if each == visitor})
        # One that runs may listen at loopback, until there is a second master.
        if port != SCHEDULER or port in opened[host.name]["open"]
    ]


def closed_ports(
    trials: Mapping[str, Iterable[Mapping[str, Any]]], firewalls: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """A finding for each host whose ports cannot be reached; `trials` is by visitor, `firewalls` by host."""
    tries = [(visitor, target) for visitor, targets in trials.items() for target in targets if target["fault"]]
    visitors: defaultdict[tuple[str, str, int, str], list[str]] = defaultdict(list)
    for visitor, target in tries:
        visitors[target["host"], target["address"], target["port"], target["fault"]].append(visitor)
    ports: defaultdict[tuple[str, str, str, tuple[str, ...], str], list[int]] = defaultdict(list)
    for (host, address, port, fault), names in visitors.items():
        ports[host, address, fault, tuple(names), _closed_by(host, port, names, firewalls)].append(port)
    for (host, address, fault, all_names, closer), closed in ports.items():
        what = ", ".join(f"{port} ({_component(port)})" for port in sorted(closed))
        yield error(
            host,
            "way",
            f"{' and '.join(all_names)} cannot reach {address} port {what}: {fault}; {closer}",
            "let them in there, or set podlab_address to where they reach it; docs/ports.md lists all ports",
        )


def _closed_by(host: str, port: int, visitors: Sequence[str], firewalls: Mapping[str, Mapping[str, str]]) -> str:
    """The host's rule, or that of one who came and does not let the answers in."""
    if rule := closing_rule(firewalls.get(host, {}), port):
        return f"closed by {rule}"
    for visitor in visitors:
        if rule := answers_closing_rule(firewalls.get(visitor, {})):
            return f"on {visitor}, answers are stopped by {rule}"
    return "no rule of the hosts closes it: look between them, too"


def _clients_of(host: Host, hosts: Sequence[Host]) -> Iterator[tuple[Host, int]]:
    for of, to, ports in WAYS:
        if to in host.groups:
            visitors = [visitor for visitor in hosts if of in visitor.groups]
            yield from (
                (visitor, port) for visitor in visitors for port in ports if port != SCHEDULER or visitor != host
            )


def _component(port: int) -> str:
    return next(ports[port] for ports in PORTS.values() if port in ports)
