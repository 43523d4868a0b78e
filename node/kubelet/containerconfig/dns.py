"""A pod's names: its host name, its hosts file, and its resolv.conf for the runtime. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from node.resolvconf import ResolvConf
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

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


def cri_config(conf: ResolvConf) -> cri.DNSConfig:
    """The pod's resolv.conf, as the runtime is told of it."""
    return cri.DNSConfig(servers=conf.servers, searches=conf.searches, options=conf.options)


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
