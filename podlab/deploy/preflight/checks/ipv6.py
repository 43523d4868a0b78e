"""What a cluster of both families needs of its hosts: IPv6 in the kernel, an address for others, unused networks."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv6Address, IPv6Interface

from podlab.deploy.preflight.checks.requirements import OWN_LINKS, Networks, VariableError, networks
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Facts, Host


def check_ipv6(hosts: Sequence[Host], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """`facts` lacks the hosts that could not be reached. Nothing is asked of a cluster of IPv4 alone."""
    for host in hosts:
        try:
            asked = networks(host)
        except VariableError:  # told with the other networks
            continue
        if asked.pods_ipv6 is None or host.name not in facts or "nodes" not in host.groups:
            continue
        fact = facts[host.name]
        if fact.ipv6 is None:
            cause = f"podlab_pod_cidr has {asked.pods_ipv6}, but its kernel was started without IPv6"
            remedy = "take ipv6.disable=1 off its kernel's command line and restart it, or leave one family"
            yield error(host.name, "ipv6", cause, remedy)
            continue
        yield from _address(host, fact)
        yield from _neighbours(host.name, fact)
        yield from _overlaps(host.name, fact, asked)


def _address(host: Host, fact: Facts) -> Iterator[Finding]:
    own = [str(interface.ip) for interface, _ in _reachable(fact)]
    given = str(host.variables.get("podlab_address_ipv6", ""))
    if not given:
        if not own:
            cause = "it has no address of IPv6 at which other hosts could reach it"
            yield error(host.name, "ipv6", cause, "give it one, such as fd00:10:99::21/64, or leave one family")
        return
    try:
        known = str(IPv6Address(given)) in own
    except AddressValueError:
        known = False
    if not known:
        cause = f"podlab_address_ipv6 is {given}, which is none of its addresses ({', '.join(own) or 'it has none'})"
        yield error(host.name, "ipv6", cause, "set podlab_address_ipv6 to one of them, or leave it out")


def _reachable(fact: Facts) -> list[tuple[IPv6Interface, str]]:
    """The host's addresses for other hosts."""
    return [each for each in fact.ipv6 or () if each[1] not in OWN_LINKS and not each[0].is_link_local]


def _neighbours(name: str, fact: Facts) -> Iterator[Finding]:
    """Linux asks for the neighbour that it forwards a packet to from its link-local address alone (`ndisc_send_ns`)."""
    able = {link for interface, link in fact.ipv6 or () if interface.is_link_local}
    for link in sorted({link for _, link in _reachable(fact)} - able):
        cause = f"{link} has no link-local address of IPv6, without which no pod's packet leaves through it"
        yield error(name, "ipv6", cause, f"have {link} make itself one: LinkLocalAddressing=ipv6 in systemd-networkd")


def _overlaps(name: str, fact: Facts, asked: Networks) -> Iterator[Finding]:
    wanted = (("podlab_pod_cidr", asked.pods_ipv6), ("podlab_service_cidr", asked.services_ipv6))
    for interface, link in fact.ipv6 or ():
        for variable, network in wanted:
            if network is not None and link not in OWN_LINKS and interface.network.overlaps(network):
                cause = f"its network {interface.network} on {link} overlaps {variable} {network}"
                remedy = f"set {variable} in the inventory to a private network that is in use nowhere near"
                yield error(name, "networks", cause, remedy)
