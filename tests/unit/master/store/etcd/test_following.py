"""A watch's answers become whole commits after what was seen."""

from master.store.contract import Change
from master.store.etcd.following import Following
from master.store.etcd.keyspace import Keyspace
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

SPACE = Keyspace("/podlab")


def put(key: str, revision: int) -> rpc.Event:
    kv = rpc.KeyValue(key=SPACE.encoded(key), value=b"x", mod_revision=revision, create_revision=revision)
    return rpc.Event(type=rpc.Event.PUT, kv=kv)


def test_what_was_seen_is_not_told_again() -> None:
    following = Following(SPACE, 5)
    told = following.taken(rpc.WatchResponse(events=[put("/a", 5), put("/b", 5), put("/c", 6)]))
    assert told == [Change(6, "/c", b"x", 6)]
    assert following.seen == 6
    assert following.taken(rpc.WatchResponse(events=[put("/c", 6)])) == []


def test_a_commit_in_parts_is_told_with_its_last_part() -> None:
    following = Following(SPACE, 5)
    assert following.taken(rpc.WatchResponse(events=[put("/a", 6)], fragment=True)) == []
    assert following.taken(rpc.WatchResponse(events=[put("/b", 6)], fragment=True)) == []
    assert following.seen == 5
    told = following.taken(rpc.WatchResponse(events=[put("/c", 6)]))
    assert [(change.key, change.revision) for change in told] == [("/a", 6), ("/b", 6), ("/c", 6)]


def test_a_deletion_tells_when_what_it_removed_was_made() -> None:
    event = rpc.Event(
        type=rpc.Event.DELETE,
        kv=rpc.KeyValue(key=SPACE.encoded("/a"), mod_revision=9),
        prev_kv=rpc.KeyValue(key=SPACE.encoded("/a"), mod_revision=8, create_revision=4),
    )
    assert Following(SPACE, 5).taken(rpc.WatchResponse(events=[event])) == [Change(9, "/a", None, 4)]


def test_an_answer_without_events_tells_nothing() -> None:
    following = Following(SPACE, 5)
    assert following.taken(rpc.WatchResponse(created=True, header=rpc.ResponseHeader(revision=80))) == []
    assert following.seen == 5
