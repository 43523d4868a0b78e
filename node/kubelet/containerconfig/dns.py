"""A pod's names: its host name, its hosts file, and its resolv.conf for the runtime. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from node.resolvconf import ResolvConf
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

CLUSTER_DOMAIN = "cluster.local"
KERNEL_NAME_CHARS = 64
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


def kernel_name(pod: pod_pb2.Pod) -> str:
    """What the kernel calls the pod: its short name, or the full one where the pod says so."""
    if pod.spec.setHostnameAsFQDN and pod.spec.subdomain:
        return f"{hostname(pod)}.{_domain(pod)}"
    return hostname(pod)


def why_too_long(pod: pod_pb2.Pod) -> str:
    """Why the kernel does not take the pod's name; empty when it does."""
    name = kernel_name(pod)
    if len(name) <= KERNEL_NAME_CHARS or pod.spec.hostNetwork:
        return ""
    bounds = f"{KERNEL_NAME_CHARS} characters is the max, {len(name)} characters requested"
    return f"failed to construct FQDN from pod hostname and cluster domain, FQDN {name} is too long ({bounds})"


def hostname(pod: pod_pb2.Pod) -> str:
    """At most 63 characters, which both the kernel and DNS accept, or what the pod says instead."""
    if pod.spec.HasField("hostnameOverride"):
        return pod.spec.hostnameOverride
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
    if not pod.spec.subdomain or pod.spec.HasField("hostnameOverride"):
        return hostname(pod)
    return f"{hostname(pod)}.{_domain(pod)}\t{hostname(pod)}"


def _domain(pod: pod_pb2.Pod) -> str:
    return f"{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{CLUSTER_DOMAIN}"
