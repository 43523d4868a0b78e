"""How long packets may be, in bytes: on the way between nodes, through VXLAN, and at pods' doors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.network.peers import Address
from node.network.vxlan import overhead_bytes
from node.network.ways import Overlay, Reach, Way

# What RFC 8200 requires of every link, below which nobody can have meant it.
LEAST = 1280


def between_nodes(own: int | None, paths: Mapping[Address, Reach], configured: int) -> int | None:
    """What gets to every other node: the least of the own interface's and of the paths', unless configured (not 0)."""
    if configured:
        return configured
    found = [*([own] if own is not None else []), *(path.mtu for path in paths.values())]
    return min(found) if found else None


def through_vxlan(between: int, node: Address) -> int:
    return between - overhead_bytes(node)


def of_pods(between: int | None, node: Address, ways: Iterable[Way], overlay: Overlay) -> int | None:
    """Of pods' interfaces: less than between nodes as soon as any of their packets may have to go through VXLAN."""
    if between is None:
        return None
    overlaid = overlay is Overlay.ALWAYS or any(way.is_vxlan for way in ways)
    return through_vxlan(between, node) if overlaid else between
