"""The CNI configuration that containerd reads: the standard bridge and portmap plugins. Pure.

https://www.cni.dev/plugins/current/main/bridge/
"""

from __future__ import annotations

from collections.abc import Sequence

from node.family import family_of

NAME = "podlab"
BRIDGE = "podlab0"
FILE = "10-podlab.conflist"


def conflist(pod_cidrs: Sequence[str], mtu: int | None) -> dict[str, object]:
    """The configuration for a node whose pods have an address of each of `pod_cidrs`, one for each family.

    `mtu` is that of the node's interface to other nodes.
    """
    return {
        "cniVersion": "1.0.0",
        "name": NAME,
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "forceAddress": True,  # a node that was removed and comes back may get another range
                "ipMasq": False,  # traffic between pods keeps its source; masquerade.py does the rest
                "hairpinMode": True,
                **({"mtu": mtu} if mtu else {}),
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": each}] for each in pod_cidrs],
                    "routes": [{"dst": family_of(each).everything} for each in pod_cidrs],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
