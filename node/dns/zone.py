"""All names of the cluster, put together from what each object contributes. It knows which names a change touches."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from node.dns.record import Record, Records

Origins = Mapping[str, frozenset[Record]]


class Zone:
    """A name exists while an object contributes it, and has the records of all that do.

    Objects are told apart by a text of the caller's, such as `Service default/web`.
    """

    def __init__(self) -> None:
        self._of: dict[str, Records] = {}
        self._origins: dict[str, dict[str, frozenset[Record]]] = {}

    def put(self, origin: str, records: Records) -> set[str]:
        """Replace what the object contributes, with {} all of it; the names that are different now."""
        before = self._of.get(origin, {})
        changed = {name for name in before.keys() | records.keys() if before.get(name) != records.get(name)}
        earlier = {name: self.at(name) for name in changed}
        for name in changed:
            if name in records:
                self._origins.setdefault(name, {})[origin] = records[name]
            else:
                self._origins[name].pop(origin)
                if not self._origins[name]:
                    del self._origins[name]
        if records:
            self._of[origin] = records
        else:
            self._of.pop(origin, None)
        return {name for name in changed if self.at(name) != earlier[name]}

    def at(self, name: str) -> frozenset[Record] | None:
        """The name's records; None where it does not exist."""
        origins = self._origins.get(name)
        return None if origins is None else frozenset().union(*origins.values())

    def origins(self, name: str) -> Origins:
        """Who contributes the name, and what."""
        return dict(self._origins.get(name, {}))

    def names(self) -> Collection[str]:
        return self._origins.keys()
