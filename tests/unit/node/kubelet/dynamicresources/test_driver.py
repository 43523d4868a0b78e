"""Calls of a driver, and what becomes of those that it does not answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from podlab_testing import devices
from podlab_testing.fake_driver import FakeDriver

from node.kubelet.dynamicresources.driver import Driver, DriverError
from node.kubelet.dynamicresources.prepared import PreparedClaim, PreparedDevice


def claim(uid: str = "u") -> PreparedClaim:
    made = PreparedClaim.of(devices.allocated(devices.claim()))
    made.uid = uid
    return made


async def test_a_driver_tells_which_devices_it_has_prepared(tmp_path: Path) -> None:
    fake = FakeDriver("a.com/gpu=0")
    async with fake.serving(tmp_path):
        driver = Driver(devices.DRIVER, str(tmp_path / "g.sock"))
        given = PreparedDevice(devices.DRIVER, "n1", "gpu-0", ("gpu",), ("a.com/gpu=0",))
        assert await driver.prepare([claim("1"), claim("2")]) == {"1": [given], "2": [given]}
        await driver.unprepare([claim("1")])
        fake.fails = "no power"
        with pytest.raises(DriverError, match="NodeUnprepareResources failed for ResourceClaim all-gpus: no power"):
            await driver.unprepare([claim("1")])
        await driver.close()


async def test_what_is_not_answered_is_told_and_is_no_cancellation_of_who_asked(tmp_path: Path) -> None:
    fake = FakeDriver()
    async with fake.serving(tmp_path):
        driver = Driver(devices.DRIVER, str(tmp_path / "g.sock"))
        fake.answers.clear()
        asking = asyncio.create_task(driver.prepare([claim()]))
        await fake.waiting.wait()
        await driver.close()
        with pytest.raises(DriverError, match="NodePrepareResources: the driver has left meanwhile"):
            await asking
        with pytest.raises(DriverError, match="the driver has left meanwhile"):
            await driver.prepare([claim()])
        fake.answers.set()
    gone = Driver(devices.DRIVER, str(tmp_path / "none.sock"), timeout_s=0.5)
    with pytest.raises(DriverError, match="NodePrepareResources: rpc error: code = "):
        await gone.prepare([claim()])
    await gone.close()


async def test_who_stops_asking_is_cancelled(tmp_path: Path) -> None:
    fake = FakeDriver()
    async with fake.serving(tmp_path):
        driver = Driver(devices.DRIVER, str(tmp_path / "g.sock"))
        fake.answers.clear()
        asking = asyncio.create_task(driver.prepare([claim()]))
        await fake.waiting.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        fake.answers.set()
        await driver.close()
