from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import pytest
from podlab_testing.device_plugin import RESOURCE, TestPlugin
from podlab_testing.waiting import WITHIN_S

from node.kubelet.deviceplugins import registration
from node.kubelet.deviceplugins.offers import GONE_AFTER_S, Count, DeviceOffers


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short, as paths of sockets must be."""
    with TemporaryDirectory(prefix="plugins-") as path:
        yield Path(path)


@pytest.fixture
async def offers(directory: Path, clock: _Clock) -> AsyncIterator[DeviceOffers]:
    made = DeviceOffers([], clock)
    task = asyncio.create_task(registration.run(directory, made))
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await made.close()


async def _told(offers: DeviceOffers, count: Count) -> None:
    changed = asyncio.Event()
    offers.on_change(changed.set)
    async with asyncio.timeout(WITHIN_S):
        while offers.counts().get(RESOURCE) != count:
            await changed.wait()
            changed.clear()


async def test_devices_are_counted_as_their_plugin_tells_of_them(directory: Path, offers: DeviceOffers) -> None:
    plugin = TestPlugin(directory)
    await plugin.start(gpu0="Healthy", gpu1="Healthy")
    await _told(offers, Count(2, 2))
    await plugin.set(gpu0="Unhealthy", gpu1="Healthy", gpu2="Healthy")
    await _told(offers, Count(3, 2))
    assert [offers.is_healthy(RESOURCE, device) for device in ("gpu0", "gpu1", "gpu9")] == [False, True, False]
    await plugin.stop()


async def test_devices_of_a_plugin_that_dies_cannot_be_used_and_later_are_none_of_the_nodes(
    directory: Path, offers: DeviceOffers, clock: _Clock
) -> None:
    plugin = TestPlugin(directory)
    await plugin.start(gpu0="Healthy")
    await _told(offers, Count(1, 1))
    await plugin.stop()
    await _told(offers, Count(1, 0))
    assert (offers.is_healthy(RESOURCE, "gpu0"), offers.plugin(RESOURCE)) == (None, None)
    clock.now_s += GONE_AFTER_S + 1
    assert offers.counts() == {RESOURCE: Count(0, 0)}
    again = TestPlugin(directory, endpoint="again.sock")
    await again.start(gpu0="Healthy")
    await _told(offers, Count(1, 1))
    await again.stop()


async def test_the_last_of_two_plugins_counts(directory: Path, offers: DeviceOffers) -> None:
    old, new = TestPlugin(directory), TestPlugin(directory, endpoint="new.sock")
    await old.start(gpu0="Healthy")
    await _told(offers, Count(1, 1))
    await new.start(gpu0="Healthy", gpu1="Healthy")
    await _told(offers, Count(2, 2))
    await old.stop()
    assert offers.counts() == {RESOURCE: Count(2, 2)}
    await new.stop()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"version": "v1alpha"}, 'API version "v1alpha" is not supported by kubelet. Supported version is "v1beta1"'),
        ({"resource": "gpu"}, 'the ResourceName "gpu" is invalid'),
        ({"resource": "kubernetes.io/gpu"}, 'the ResourceName "kubernetes.io/gpu" is invalid'),
    ],
)
async def test_a_plugin_is_told_why_it_is_not_taken(
    directory: Path, offers: DeviceOffers, wrong: dict[str, str], why: str
) -> None:
    plugin = TestPlugin(directory, **wrong)  # type: ignore[arg-type]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plugin.start(gpu0="Healthy")
    assert why in (caught.value.details() or "")
    assert offers.counts() == {}
    await plugin.stop()


def test_a_resource_that_was_known_before_has_no_devices_yet() -> None:
    assert DeviceOffers([RESOURCE]).counts() == {RESOURCE: Count(0, 0)}
