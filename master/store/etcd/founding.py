"""Whether a store is in etcd, and is the one that this server knows; and the making of a new one.

Each store has a mark with an identity of its own. A server that has once used a store keeps its identity in a file, and
takes no other for it: one that began anew by mistake would tell every kubelet that nothing is to run.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from pathlib import Path

from master.store.errors import Replaced
from master.store.etcd.keyspace import Keyspace
from master.store.etcd.members import Members
from master.store.etcd.transaction import Mark
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

_FORMAT = b"podlab-store/1 "

log = logging.getLogger(__name__)


async def found(members: Members, space: Keyspace, identity: Path | None) -> Mark:
    """The store's mark, which is made where nothing is below the prefix. `identity` is the file of this server.

    Raises Replaced, OSError, and as `Members.ask`.
    """
    known = _known(identity)
    mark = await _read(members, space)
    if mark is None and known is None:
        await _make(members, space)
        mark = await _read(members, space)
    where = f"etcd at {', '.join(members.endpoints)}, below {space.prefix}"
    if mark is None or (known is not None and mark.value != known):
        is_told = f"another store ({_name(mark.value)})" if mark is not None else "no store"
        raise Replaced(
            where,
            f"there is {is_told}, and this server has used {_name(known or b'')}",
            f"give the endpoints and the prefix of that one, or restore it from a backup; to use what is there now, "
            f"remove {identity}",
        )
    if not mark.value.startswith(_FORMAT):
        raise Replaced(where, f"the mark {_name(mark.value)} is of another version", "run the version that wrote it")
    if await _is_there(members, space.copying):
        raise Replaced(where, "a copy of a store is not whole", "remove all below the prefix, and migrate again")
    if identity is not None and known is None:
        await asyncio.to_thread(identity.write_bytes, mark.value)
    return mark


def _known(identity: Path | None) -> bytes | None:
    if identity is None or not identity.exists():
        return None
    return identity.read_bytes()


async def _read(members: Members, space: Keyspace) -> Mark | None:
    answer = await members.ask(lambda member: member.kv.Range, rpc.RangeRequest(key=space.mark))
    if not answer.kvs:
        return None
    kv = answer.kvs[0]
    *_, shift = kv.value.split(b" ")
    return Mark(kv.value, kv.create_revision, int(shift) if shift.isdigit() else 0)


async def _is_there(members: Members, key: bytes) -> bool:
    answer = await members.ask(lambda member: member.kv.Range, rpc.RangeRequest(key=key, keys_only=True))
    return bool(answer.kvs)


async def begin(members: Members, space: Keyspace, at_least: int) -> Mark:
    """The mark of a copy that begins, whose revisions follow `at_least`, in place of one that was cut off.

    Raises Replaced where anything else is there.
    """
    await _remove_cut_off(members, space)
    first = await members.ask(lambda member: member.kv.Range, rpc.RangeRequest(key=space.mark))
    is_made = not first.kvs and await _make(members, space, shift=max(0, at_least - first.header.revision), copy=True)
    mark = await _read(members, space)
    if not is_made or mark is None:
        raise Replaced(
            f"etcd at {', '.join(members.endpoints)}, below {space.prefix}",
            f"there is a store already ({_name(mark.value) if mark is not None else 'which went'})",
            "give another prefix, or remove all below this one (etcdctl del --prefix)",
        )
    return mark


async def _remove_cut_off(members: Members, space: Keyspace) -> None:
    """A copy that is not whole never was anybody's store. Whoever is still at it finds that its mark is gone."""
    key, end = space.interval("")
    request = rpc.TxnRequest(
        compare=[
            rpc.Compare(result=rpc.Compare.GREATER, target=rpc.Compare.CREATE, key=space.copying, create_revision=0)
        ],
        success=[
            rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=key, range_end=end)),
            *(
                rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=own))
                for own in (space.mark, space.copying)
            ),
        ],
    )
    if (await members.ask(lambda member: member.kv.Txn, request)).succeeded:
        log.info("a copy below %s that was cut off is removed", space.prefix)


async def complete(members: Members, space: Keyspace) -> None:
    """The copy is whole: from here on it is a store."""
    done = rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=space.copying))
    await members.ask(lambda member: member.kv.Txn, rpc.TxnRequest(success=[done]))


async def _make(members: Members, space: Keyspace, *, shift: int = 0, copy: bool = False) -> bool:
    """False when another server was faster. Raises Replaced where there are keys without a mark."""
    value = _FORMAT + secrets.token_hex(16).encode() + b" %d" % shift
    key, end = space.interval("")
    unmarked = rpc.RangeRequest(key=key, range_end=end, limit=1, keys_only=True)
    answer = await members.ask(lambda member: member.kv.Range, unmarked)
    if answer.kvs and await _read(members, space) is None:  # another server may have begun meanwhile
        raise Replaced(
            f"etcd at {', '.join(members.endpoints)}, below {space.prefix}",
            "there are keys, and no mark of a store: a part of it was lost, or it is another program's",
            "restore it from a backup, or give another prefix",
        )
    request = rpc.TxnRequest(
        compare=[rpc.Compare(target=rpc.Compare.CREATE, key=space.mark, create_revision=0)],
        success=[rpc.RequestOp(request_put=rpc.PutRequest(key=space.mark, value=value))],
    )
    if copy:
        request.success.add(request_put=rpc.PutRequest(key=space.copying))
    made = await members.ask(lambda member: member.kv.Txn, request)
    if made.succeeded:
        log.info("a new store below %s: %s", space.prefix, _name(value))
    return made.succeeded


def _name(value: bytes) -> str:
    return value.decode(errors="replace")
