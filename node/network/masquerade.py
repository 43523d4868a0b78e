"""The way out for pods: rules that masquerade what leaves the cluster and let pods' traffic be forwarded. Pure."""

from __future__ import annotations

from node.iptables import Ruleset, Table
from node.network.vxlan import LINK

PREFIX = "PODLAB-N"
EGRESS = "PODLAB-NEGRESS"
FORWARD = "PODLAB-NFORWARD"


def render(cluster_cidr: str) -> Ruleset:
    """The rules, of the network's family, of a node in a cluster whose pods have addresses of `cluster_cidr`."""
    return {
        "nat": Table(
            {
                EGRESS: (
                    f"-s {cluster_cidr} ! -d {cluster_cidr} -j MASQUERADE --random-fully",
                    # Another network segment's pod would answer to the node's address, past VXLAN, where nobody knows
                    # the pod's own: what the node sends through it gets an address that is reached through it, too.
                    f"! -s {cluster_cidr} -o {LINK} -j MASQUERADE --random-fully",
                )
            },
            (("POSTROUTING", f'-m comment --comment "podlab pods leaving the cluster" -j {EGRESS}'),),
        ),
        # Hosts with a firewall, or with another container engine, drop forwarded packets by default.
        "filter": Table(
            {
                FORWARD: (
                    # Connection tracking does not translate a response that it calls invalid. The client would get it
                    # from the endpoint's own address, and reset the connection.
                    f"-s {cluster_cidr} -m conntrack --ctstate INVALID -j DROP",
                    f"-s {cluster_cidr} -j ACCEPT",
                    f"-d {cluster_cidr} -j ACCEPT",
                )
            },
            (("FORWARD", f'-m comment --comment "podlab pods" -j {FORWARD}'),),
            jumps_last=True,  # the proxy's refusals for Services without endpoints come first
        ),
    }
