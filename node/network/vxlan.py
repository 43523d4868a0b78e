"""The VXLAN that carries pods' packets between network segments: its numbers, and what follows from a node's address.

Every node has one device, which learns nothing and floods nothing: who is where is computed from the Node objects.
https://www.rfc-editor.org/rfc/rfc7348. Pure.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from node.network.peers import Address
from podlab import ports

LINK: Final = "podlab-vxlan"
VNI: Final = 112
PORT: Final = ports.VXLAN


def mac_of(node: Address) -> str:
    """The address of a node's device on the virtual wire: locally administered; who knows the node can compute it."""
    tail = b"\x50" + node.packed if node.version == 4 else sha256(node.packed).digest()[:5]
    return ":".join(f"{byte:02x}" for byte in b"\x02" + tail)


def overhead_bytes(node: Address) -> int:
    """What each packet gets around it on its way between nodes: Ethernet, VXLAN, UDP and IP headers."""
    return 14 + 8 + 8 + (20 if node.version == 4 else 40)
