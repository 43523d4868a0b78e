"""What is there already: other people's containers, another cluster, one of other settings, nodes nobody names."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from podlab.api.values import ipfamilies
from podlab.api.values.ipfamilies import Network
from podlab.deploy.preflight.checks.requirements import VariableError, networks
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, Host, Membership
from podlab.deploy.release.jumps import ReleaseVersion, refusal

_NAME: Final = "podlab_cluster"
_DEFAULT_NAME: Final = "lab"
_PODS: Final = "k8s.io"
"""containerd's namespace of pods: a kubelet removes what it does not know there."""


def found_runtime(host: Host, facts: Facts) -> Iterator[Finding]:
    """A containerd that somebody uses is shared, if its containers survive that it is restarted with our settings."""
    there = facts.runtime
    if "nodes" not in host.groups or there.ours or not (there.active or there.configured):
        return
    if pods := there.containers.get(_PODS):
        yield error(
            host.name,
            "containerd",
            f"containerd's namespace {_PODS} has {_count(pods)} of another Kubernetes; Podlab would remove them",
            "take them away first (kubeadm reset, or ctr --namespace k8s.io), or use another host",
        )
    others = {name: count for name, count in there.containers.items() if name != _PODS}
    held = ", ".join(f"{_count(count)} in {name}" for name, count in sorted(others.items()))
    if others and not there.spares_containers:
        yield error(
            host.name,
            "containerd",
            f"containerd has {held}, and its unit ends them whenever it is restarted (KillMode is not process)",
            "systemctl edit containerd: [Service] KillMode=process; or end those containers",
        )
    elif not pods:
        what = " and ".join(filter(None, ["a configuration of its own" if there.configured else "", held]))
        yield warning(
            host.name,
            "containerd",
            f"containerd is there already{', with ' if what else ''}{what}",
            "nothing: Podlab's settings are merged in, running containers stay, and reset.yml puts back what was there",
        )


def found_kubernetes(host: Host, facts: Facts) -> Iterator[Finding]:
    """Another kubelet on a node."""
    if "nodes" not in host.groups:
        return
    for unit in facts.other_kubelets:
        yield error(
            host.name,
            "kubernetes",
            f"{unit}.service, of another Kubernetes, runs there: both would change the same rules, groups and links",
            f"have its own uninstaller take it off (kubeadm reset, k3s-uninstall.sh): systemctl status {unit}",
        )


def _count(containers: int) -> str:
    return f"{containers} container{'s' if containers != 1 else ''}"


def found_networks(hosts: Iterable[Host], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """Services and pods keep their addresses, and so the cluster its networks. Each is told once, by the first host."""
    told: set[str] = set()
    for host in hosts:
        made_with = facts[host.name].made_with if host.name in facts else {}
        for variable, made in made_with.items():
            wanted = _asked(host, variable) if variable != _NAME else None
            if wanted is None or variable in told:
                continue
            if ipfamilies.networks(made) in (wanted, wanted[:1]):  # a second family may come
                continue
            told.add(variable)
            asked = ",".join(map(str, wanted))
            yield error(
                host.name,
                "networks",
                f"{variable} is {asked}, but the cluster was made with {made}, which cannot be changed",
                f"set {variable} to {made} again; another network needs a new cluster (reset.yml, then site.yml)",
            )


def found_releases(hosts: Iterable[Host], facts: Mapping[str, Facts], own: ReleaseVersion) -> Iterator[Finding]:
    """Whether each may go from the release that it runs to `own`."""
    for host in hosts:
        known = facts.get(host.name)
        if known is None or known.release is None:
            continue
        if refused := refusal(own, known.release, known.store_schema):
            yield error(host.name, "release", refused.cause, refused.remedy)


def found_name(hosts: Iterable[Host], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """A cluster keeps its name, by which its keys are found on the controller."""
    for host in hosts:
        made = facts[host.name].made_with.get(_NAME) if host.name in facts else None
        wanted = str(host.variables.get(_NAME, _DEFAULT_NAME))
        if made is not None and wanted != made:
            yield error(
                host.name,
                "cluster",
                f"{_NAME} is {wanted}, but the host is a master of cluster {made}, whose name cannot be changed",
                f"set {_NAME} to {made} again; another name needs a new cluster (reset.yml, then site.yml)",
            )


def found_clusters(
    hosts: Iterable[Host], facts: Mapping[str, Facts], trusted: Collection[str], *, takes_over: bool = False
) -> Iterator[Finding]:
    """Hosts of a cluster whose authority is none of `trusted`, the keys of this cluster's: new certificates would take
    them away from it. `takes_over`: somebody wants just that, and is told all the same."""
    for host in hosts:
        there = facts[host.name].membership if host.name in facts else Membership()
        if not there.authorities or any(each.key in trusted for each in there.authorities):
            continue
        cause = (
            f"it belongs to another cluster, {' or '.join(there.clusters) or 'without a name'}, whose authority is "
            f"{there.authorities[0]}: with certificates of this one it would be lost to that one"
        )
        if takes_over:
            yield warning(host.name, "cluster", cause, "nothing, if that is what preflight_takes_over is for")
        else:
            yield error(
                host.name,
                "cluster",
                cause,
                "take it out where that one is deployed from (remove-node.yml for a node, reset.yml for all); if it is "
                "this one, and its keys were lost here, put them back (docs/backup.md). "
                "With -e preflight_takes_over=true the host becomes this cluster's all the same",
            )


def _asked(host: Host, variable: str) -> tuple[Network, ...] | None:
    """The inventory's networks; None for a variable that is none, which is told elsewhere."""
    try:
        asked = networks(host)
    except VariableError:
        return None
    if variable == "podlab_service_cidr":
        found = (asked.services, asked.services_ipv6)
    else:
        found = (asked.pods, asked.pods_ipv6)
    return tuple(network for network in found if network is not None)


def strays(known: Collection[str], names: Iterable[str]) -> list[Finding]:
    """`known` are the inventory's nodes, `names` the cluster's. One that no run reaches keeps its routes and rights."""
    return [
        warning(
            name,
            "node",
            "it is a node of the cluster and not in the inventory",
            f"put it back into the group nodes, or remove it: podlab delete node {name} (docs/nodes.md)",
        )
        for name in names
        if name not in known
    ]
