"""A pod's resolv.conf and hosts file. Pure, but for reading the node's resolv.conf."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

# systemd-resolved's servers, for nodes whose resolv.conf names only its stub on loopback, which pods cannot reach.
RESOLVED = Path("/run/systemd/resolve/resolv.conf")
NODE = Path("/etc/resolv.conf")
CLUSTER_DOMAIN = "cluster.local"
_MANAGED = (
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
)


def node_dns() -> cri.DNSConfig:
    """The node's own resolver settings."""
    config = parse(NODE.read_text() if NODE.is_file() else "")
    if config.servers and all(server.startswith("127.") for server in config.servers) and RESOLVED.is_file():
        return parse(RESOLVED.read_text())
    return config


def parse(text: str) -> cri.DNSConfig:
    """The content of a resolv.conf(5)."""
    config = cri.DNSConfig()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            config.servers.append(words[1])
        elif words[0] in ("search", "domain"):
            config.searches[:] = words[1:]
        elif words[0] == "options":
            config.options.extend(words[1:])
    return config


def pod_dns(pod: pod_pb2.Pod, node: cri.DNSConfig) -> cri.DNSConfig:
    """The node's settings (none with dnsPolicy None) and what the pod adds to them."""
    config = cri.DNSConfig()
    if pod.spec.dnsPolicy != "None":
        config.CopyFrom(node)
    own = pod.spec.dnsConfig
    config.servers[:] = _unique([*config.servers, *own.nameservers])
    config.searches[:] = _unique([*config.searches, *own.searches])
    options = {option.partition(":")[0]: option for option in config.options}
    for option in own.options:
        options[option.name] = f"{option.name}:{option.value}" if option.HasField("value") else option.name
    config.options[:] = options.values()
    return config


def hostname(pod: pod_pb2.Pod) -> str:
    """At most 63 characters, which both the kernel and DNS accept."""
    return (pod.spec.hostname or pod.metadata.name)[:63].rstrip("-.")


def hosts_file(pod: pod_pb2.Pod, ips: Iterable[str], node_hosts: str) -> str:
    """The pod's /etc/hosts, as Kubernetes writes it. On the node's own network it is the node's, and what is added.

    https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
    """
    if pod.spec.hostNetwork:
        lines = ["# Kubernetes-managed hosts file (host network).", node_hosts.rstrip("\n")]
    else:
        lines = [*_MANAGED, *(f"{ip}\t{_names(pod)}" for ip in ips)]
    if pod.spec.hostAliases:
        lines += ["", "# Entries added by HostAliases."]
    lines += ["\t".join([alias.ip, *alias.hostnames]) for alias in pod.spec.hostAliases]
    return "\n".join(lines) + "\n"


def _names(pod: pod_pb2.Pod) -> str:
    """The hostname; with a subdomain the fully qualified name first."""
    if not pod.spec.subdomain:
        return hostname(pod)
    domain = f"{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{CLUSTER_DOMAIN}"
    return f"{hostname(pod)}.{domain}\t{hostname(pod)}"


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
