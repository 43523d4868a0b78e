"""The drivers of one type that have registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class RegisteredDriver(Protocol):
    """What is called by its name, over its socket."""

    name: str
    endpoint: str

    async def close(self) -> None:
        """Lets go of its socket."""
        ...


D = TypeVar("D", bound=RegisteredDriver)


class RegisteredDrivers(Generic[D]):
    """Of several that register under one name, the last one counts."""

    def __init__(self) -> None:
        self._registered: list[D] = []
        self._followers: list[Callable[[], None]] = []

    def on_registered(self, follower: Callable[[], None]) -> None:
        """Calls `follower` whenever a driver has come."""
        self._followers.append(follower)

    def find(self, name: str) -> D | None:
        """None when it is not there."""
        return next((driver for driver in reversed(self._registered) if driver.name == name), None)

    def enlist(self, driver: D) -> None:
        """It has come."""
        self._registered.append(driver)
        for follower in self._followers:
            follower()

    async def remove(self, name: str, endpoint: str) -> None:
        """See PluginKind."""
        gone = next(each for each in self._registered if (each.name, each.endpoint) == (name, endpoint))
        self._registered.remove(gone)
        await gone.close()

    async def close(self) -> None:
        """Lets go of all of them."""
        for driver in self._registered:
            await driver.close()
