"""What swap the node has, and whether that is as its settings want it."""

from __future__ import annotations

from pathlib import Path

from node.kubelet.containerconfig.swap import LIMITED_SWAP, NO_SWAP, NodeSwap
from node.kubelet.settings import SwapSettings
from podlab.settings import SettingsError

SWAPS = Path("/proc/swaps")


def of_node(settings: SwapSettings, total_bytes: int, *, limitable: bool, swaps: Path = SWAPS) -> NodeSwap:
    """Raises SettingsError where the machine is not as the settings want it."""
    if settings.behavior not in (NO_SWAP, LIMITED_SWAP):
        raise SettingsError(f"swap.behavior: expected {NO_SWAP} or {LIMITED_SWAP}, found {settings.behavior!r}")
    if settings.fail_on and is_on(swaps):
        raise SettingsError(
            "swap.fail_on: running with swap on is not supported, please disable swap (swapoff -a) or set swap.fail_on"
            " to false"
        )
    if settings.behavior == LIMITED_SWAP and not limitable:
        raise SettingsError(
            f"swap.behavior: {LIMITED_SWAP} needs cgroup v2 and a kernel that counts swap, which this machine lacks:"
            f" set it to {NO_SWAP}"
        )
    return NodeSwap(settings.behavior, total_bytes, limitable)


def is_on(swaps: Path = SWAPS) -> bool:
    """Whether the machine has swap: after its headline, the file has a line for each area. Raises OSError."""
    try:
        return len(swaps.read_text().splitlines()) > 1
    except FileNotFoundError:  # a kernel that knows of no swap
        return False
