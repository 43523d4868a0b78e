"""How often rules of our tables have changed, by whomever: what others do in their own tables does not count.

The kernel numbers all changes of nftables' rules, those of iptables-nft among them, and tells whoever listens which
table each was in. Layouts: linux/netfilter/nfnetlink.h and nf_tables.h.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection

from node.command import CommandError
from node.family import IPV4, Family
from node.netfilter import FAMILY, NETLINK_NETFILTER, RECEIVE_BYTES, attributes, messages
from node.nftables import Nft

SOL_NETLINK, ADD_MEMBERSHIP, NFTABLES_GROUP = 270, 1, 7
NEW_GENERATION = 0xA0F  # ends what one transaction tells
TABLE_NAME = 1  # first attribute of all the others


class OwnGeneration:
    """`now` counts the transactions that changed our tables of one family, ours included."""

    def __init__(self, nft: Nft, tables: Collection[str], family: Family = IPV4) -> None:
        self._nft = nft
        self._tables = frozenset(tables)
        self._family = family
        self._socket: socket.socket | None = None
        self._total = 0
        self._count = 0
        self._is_ours = False  # whether the transaction that is being told touches our tables

    async def now(self) -> int:
        """Raises CommandError when the kernel has no nftables, or refuses."""
        try:
            if self._socket is None:
                self._socket = _listening()
            total = await self._nft.generation()
            if total != self._total:
                told = self._told(self._socket)
                # Of more than the socket holds each may have been ours.
                self._count += told if told is not None else total - self._total
                self._total = total
        except OSError as error:
            raise CommandError(f"nftables: number of changes: {error}") from error
        return self._count

    def _told(self, listening: socket.socket) -> int | None:
        """How many transactions touched our tables since the last time; None when some were lost."""
        count, lost = 0, False
        while True:
            try:
                received = listening.recv(RECEIVE_BYTES)
            except BlockingIOError:
                self._is_ours = self._is_ours and not lost
                return None if lost else count
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True
                continue
            for kind, payload in messages(received):
                if kind != NEW_GENERATION:
                    self._is_ours |= self._names_ours(payload)
                elif self._is_ours:
                    count, self._is_ours = count + 1, False

    def _names_ours(self, payload: bytes) -> bool:
        if FAMILY.unpack_from(payload)[0] != self._family.number:
            return False
        return attributes(payload[FAMILY.size :]).get(TABLE_NAME, b"").rstrip(b"\0").decode() in self._tables


def _listening() -> socket.socket:
    listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_NETFILTER)
    listening.bind((0, 0))
    listening.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, NFTABLES_GROUP)
    return listening
