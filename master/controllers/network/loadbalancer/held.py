"""Which Service holds which address of load balancers: one address each, and nobody the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from podlab.api.objects import Key


class HeldAddresses(Mapping[str, Key]):
    """The holder of each address. Of two that want one, whoever came first has it."""

    def __init__(self) -> None:
        self._holders: dict[str, Key] = {}
        self._addresses: dict[Key, str] = {}

    def of(self, holder: Key) -> str:
        """Empty when it holds none."""
        return self._addresses.get(holder, "")

    def hold(self, holder: Key, address: str) -> bool:
        """From now on it holds this address and no other; none when the address is empty or another's.

        Whether an address became free.
        """
        before = self._addresses.get(holder, "")
        if before == address:
            return False
        if before:
            del self._holders[before], self._addresses[holder]
        if address and address not in self._holders:
            self._holders[address] = holder
            self._addresses[holder] = address
        return bool(before)

    def __getitem__(self, address: str) -> Key:
        return self._holders[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self._holders)

    def __len__(self) -> int:
        return len(self._holders)
