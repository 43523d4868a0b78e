"""What swap the node has."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.kubelet.containerconfig.swap import NodeSwap
from node.kubelet.nodestatus.swap import is_on, of_node
from node.kubelet.settings import SwapSettings
from podlab.settings import SettingsError

GIB = 1 << 30
NO_AREAS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@pytest.mark.parametrize(
    ("settings", "limitable", "told"),
    [
        (SwapSettings("Unlimited"), True, "swap.behavior: expected NoSwap or LimitedSwap, found 'Unlimited'"),
        (SwapSettings("LimitedSwap"), False, "swap.behavior: LimitedSwap needs cgroup v2"),
        (SwapSettings(fail_on=True), True, "running with swap on is not supported, please disable swap"),
    ],
)
def test_a_machine_that_is_not_as_the_settings_want_it_is_told_of(
    tmp_path: Path, settings: SwapSettings, told: str, *, limitable: bool
) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text(f"{NO_AREAS}/swapfile file 1024 0 -2\n")
    with pytest.raises(SettingsError, match=told):
        of_node(settings, GIB, limitable=limitable, swaps=swaps)


def test_a_machine_without_swap_is_fine(tmp_path: Path) -> None:
    swaps = tmp_path / "swaps"
    assert not is_on(swaps)
    swaps.write_text(NO_AREAS)
    assert of_node(SwapSettings(fail_on=True), 0, limitable=True, swaps=swaps) == NodeSwap("NoSwap", 0, limitable=True)
