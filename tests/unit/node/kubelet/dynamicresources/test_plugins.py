"""Drivers that make themselves known by sockets."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.devices import DRIVER
from podlab_testing.fake_driver import FakeDriver

from node.kubelet.dynamicresources.driver import DriverError
from node.kubelet.dynamicresources.plugins import DriverRegistry
from node.kubelet.plugins.registry import PluginRegistry


async def test_a_driver_is_known_as_long_as_its_socket_is_there(tmp_path: Path) -> None:
    drivers, driver, came = DriverRegistry(), FakeDriver(), list[str]()
    registry = PluginRegistry(tmp_path, (drivers,))
    drivers.on_registered(lambda: came.append(drivers.named(DRIVER).name))
    await registry.sync()
    with pytest.raises(DriverError, match=f"DRA driver {DRIVER} is not registered"):
        drivers.named(DRIVER)
    async with driver.serving(tmp_path):
        await registry.sync()
        assert drivers.named(DRIVER).endpoint == str(tmp_path / "g.sock")
        assert driver.told is not None
        assert (driver.told.plugin_registered, driver.told.error) == (True, "")
        await registry.sync()
    assert came == [DRIVER]
    await registry.sync()
    with pytest.raises(DriverError):
        drivers.named(DRIVER)


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        (FakeDriver(kind="Other"), "plugin type Other is not supported by Podlab: only DRAPlugin are"),
        (FakeDriver(versions=("v1beta1.DRAPlugin",)), "none of the versions that plugin"),
    ],
)
async def test_what_cannot_be_used_is_told_so(tmp_path: Path, driver: FakeDriver, told: str) -> None:
    drivers = DriverRegistry()
    registry = PluginRegistry(tmp_path, (drivers,))
    async with driver.serving(tmp_path):
        await registry.sync()
        assert driver.told is not None
        assert not driver.told.plugin_registered
        assert driver.told.error.startswith(told)
        with pytest.raises(DriverError):
            drivers.named(DRIVER)


async def test_a_socket_that_nobody_serves_is_asked_again(tmp_path: Path) -> None:
    drivers, driver = DriverRegistry(), FakeDriver()
    registry = PluginRegistry(tmp_path, (drivers,))
    async with driver.serving(tmp_path):
        pass
    (tmp_path / "plain").write_text("no socket")
    await registry.sync()
    async with driver.serving(tmp_path):
        await registry.sync()
        assert drivers.named(DRIVER).name == DRIVER
    await registry.sync()
