"""Which Service holds which addresses of load balancers: nobody those of another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from podlab.api.objects import Key


class HeldAddresses(Mapping[str, Key]):
    """The holder of each address. Of two that want one, whoever came first has it."""

    def __init__(self) -> None:
        self._holders: dict[str, Key] = {}
        self._addresses: dict[Key, tuple[str, ...]] = {}

    def of(self, holder: Key) -> tuple[str, ...]:
        """Empty when it holds none."""
        return self._addresses.get(holder, ())

    def hold(self, holder: Key, addresses: Iterable[str]) -> bool:
        """From now on it holds these addresses and no others, as far as they are not another's.

        Whether an address became free.
        """
        before = self.of(holder)
        for address in before:
            del self._holders[address]
        held = tuple(each for each in dict.fromkeys(addresses) if each not in self._holders)
        self._holders |= dict.fromkeys(held, holder)
        self._addresses[holder] = held
        if not held:
            del self._addresses[holder]
        return not set(before) <= set(held)

    def __getitem__(self, address: str) -> Key:
        return self._holders[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self._holders)

    def __len__(self) -> int:
        return len(self._holders)
