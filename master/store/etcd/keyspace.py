"""Where a store's keys are in etcd: below a prefix, beside a few of the store's own. Pure."""

from __future__ import annotations

_FF = 0xFF


class Keyspace:
    """Keys of the store are text, those of etcd bytes: UTF-8 sorts as code points do."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._root = f"{prefix}/data".encode()
        self.mark = f"{prefix}/meta/mark".encode()
        """Written in every commit that changes something, so its revision is that of the last commit. Others may write
        to the same etcd: etcd's own revision goes on then without a change of ours, and a watch of our keys would never
        reach it."""
        self.copying = f"{prefix}/meta/copying".encode()
        """There while a store is copied to here: what is there is not whole yet. Not in the mark's value, which changes
        in commits alone."""

    def encoded(self, key: str) -> bytes:
        """The key in etcd."""
        return self._root + key.encode()

    def decoded(self, key: bytes) -> str:
        """The store's key. Of what `encoded` gave."""
        return key[len(self._root) :].decode()

    def interval(self, prefix: str, start_after: str = "") -> tuple[bytes, bytes]:
        """`key` and `range_end` of the keys that start with `prefix` and sort after `start_after`; empty where the
        first is not before the second."""
        first = self.encoded(prefix)
        after = self.encoded(start_after) + b"\0" if start_after else b""
        return max(first, after), _following(first)


def _following(prefix: bytes) -> bytes:
    """The first key after all that start with `prefix`, which has a byte below 0xff."""
    kept = prefix.rstrip(bytes([_FF]))
    return kept[:-1] + bytes([kept[-1] + 1])
