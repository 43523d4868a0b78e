"""Which driver of a name counts, while others of that name come and go."""

from __future__ import annotations

from dataclasses import dataclass

from node.kubelet.plugins.drivers import RegisteredDrivers


@dataclass(eq=False)
class Driver:
    name: str
    endpoint: str
    is_open: bool = True

    async def close(self) -> None:
        self.is_open = False


async def test_the_last_of_a_name_counts_until_it_goes() -> None:
    old, new = Driver("a", "1"), Driver("a", "2")
    drivers, told = RegisteredDrivers[Driver](), list[str]()
    drivers.on_registered(lambda: told.append("come"))
    drivers.enlist(old)
    drivers.enlist(new)
    assert (drivers.find("a"), drivers.find("b")) == (new, None)
    await drivers.remove("a", "2")
    assert drivers.find("a") is old
    assert (old.is_open, new.is_open, told) == (True, False, ["come", "come"])


async def test_all_are_let_go_at_the_end() -> None:
    drivers, one = RegisteredDrivers[Driver](), Driver("a", "1")
    drivers.enlist(one)
    await drivers.close()
    assert not one.is_open
