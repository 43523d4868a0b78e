"""Unused images are removed from a runtime whose filesystem is full."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.memory_node import IMAGE, SANDBOX_IMAGE, MemoryRuntime

from node.kubelet.images.image_collector import ImageCollector
from node.kubelet.settings import ImageGcSettings

UNUSED = "podlab.local/unused:1"
Told = list[tuple[str, str, str]]


@pytest.fixture
def runtime(tmp_path: Path) -> MemoryRuntime:
    return MemoryRuntime(present={IMAGE, SANDBOX_IMAGE, UNUSED}, files=tmp_path)


@pytest.fixture
def told() -> Told:
    return []


def _collector(runtime: MemoryRuntime, told: Told, **settings: float) -> ImageCollector:
    made = ImageGcSettings(minimum_age_s=0, **settings)  # type: ignore[arg-type]
    return ImageCollector(runtime, made, lambda: {IMAGE}, lambda *each: told.append(each))


async def test_all_that_no_pod_and_no_sandbox_is_made_of_goes(runtime: MemoryRuntime, told: Told) -> None:
    await _collector(runtime, told).remove_unused()
    assert runtime.present == {IMAGE, SANDBOX_IMAGE}


async def test_where_there_is_room_all_stay(runtime: MemoryRuntime, told: Told) -> None:
    await _collector(runtime, told, high_percent=101).collect()
    assert UNUSED in runtime.present


async def test_when_it_is_not_enough_the_node_says_so(runtime: MemoryRuntime, told: Told) -> None:
    await _collector(runtime, told, high_percent=0, low_percent=0).collect()
    assert UNUSED not in runtime.present
    ((event_type, reason, message),) = told
    assert (event_type, reason) == ("Warning", "FreeDiskSpaceFailed")
    assert message.endswith("but only found 1 bytes eligible to free.")
