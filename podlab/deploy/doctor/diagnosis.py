"""All that is wrong with a running cluster, what explains other things before what is explained. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from podlab.deploy.doctor.pulse import Pulse, judged, steady
from podlab.deploy.preflight.finding import Finding, Severity, error, warning
from podlab.deploy.preflight.hosts.facts import Host

CLUSTER: Final = "cluster"
"""In the place of a host's name, for what is no single host's."""
_IN_ORDER: Final = ("connection", "clock", "disk", "way", "unit", "etcd", "apiserver", "api", "node", "served")
"""What is told first explains what follows; checks that are not named stand between hosts and what runs on them."""
_OTHERS_BEFORE: Final = _IN_ORDER.index("unit")
_REFUSED: Final = "Connection refused"
"""What others meet where nobody listens, which is told by the unit that does not run."""


@dataclass(frozen=True, kw_only=True)
class ClusterView:
    """What an API server tells. `silent` is why none does; `not_ready` why, by node; `served` the addresses that the
    Service `kubernetes` leads to."""

    silent: str = ""
    not_ready: Mapping[str, str] | None = None
    nodes: Sequence[str] = ()
    served: Sequence[str] = ()


def diagnosis(
    hosts: Sequence[Host], fitness: Sequence[Finding], pulses: Mapping[str, Pulse], view: ClusterView
) -> list[Finding]:
    """`fitness` is preflight's verdict; `pulses` are of those hosts that told. What is worst comes first."""
    ended = {host for host, pulse in pulses.items() if not all(map(steady, pulse.units.values()))}
    fit = [each for each in fitness if not (each.check == "way" and each.host in ended and _REFUSED in each.cause)]
    found = [*fit, *(each for host, pulse in pulses.items() for each in judged(host, pulse)), *_seen(hosts, view)]
    return sorted(found, key=lambda each: (each.severity is not Severity.ERROR, _rank(each.check)))


def _seen(hosts: Sequence[Host], view: ClusterView) -> Iterator[Finding]:
    if view.silent:
        cause, remedy = f"no API server answers: {view.silent}", "mend what else is named; podlab-apiserver runs where?"
        yield error(CLUSTER, "api", cause, remedy)
        return
    for node, why in (view.not_ready or {}).items():
        yield error(node, "node", f"its Node is not Ready: {why}", f"podlab describe node {node}")
    for host in hosts:
        if "masters" in host.groups and host.cluster_address not in view.served:
            cause = f"the Service kubernetes does not lead to its API server ({host.cluster_address})"
            yield warning(host.name, "served", cause, "it does again some seconds after that server answers")


def _rank(check: str) -> float:
    return float(_IN_ORDER.index(check)) if check in _IN_ORDER else _OTHERS_BEFORE - 0.5
