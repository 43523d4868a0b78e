"""What a commit asks of etcd, and what its answers mean."""

import pytest

from master.store.contract import Delete, Put
from master.store.errors import Mismatch
from master.store.etcd import transaction
from master.store.etcd.keyspace import Keyspace
from master.store.etcd.transaction import Mark, OtherStore
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

SPACE = Keyspace("/podlab")
MARK = Mark(b"podlab-store/1 x", 7)


def read(*revisions: int) -> rpc.TxnResponse:
    """An answer that read keys at these revisions, 0 for one that is not there."""
    answer = rpc.TxnResponse()
    for revision in revisions:
        found = answer.responses.add().response_range
        if revision:
            found.kvs.add(mod_revision=revision)
    return answer


def test_a_commit_compares_what_it_expects_and_the_store_and_writes_the_mark() -> None:
    request = transaction.commit_request([Put("/a", b"1", 5), Delete("/b", 0), Put("/c", b"", None)], SPACE, MARK)
    store, first, second = request.compare
    assert (store.key, store.target, store.create_revision) == (b"/podlab/meta/mark", rpc.Compare.CREATE, 7)
    assert (first.key, first.target, first.mod_revision) == (b"/podlab/data/a", rpc.Compare.MOD, 5)
    assert (second.key, second.WhichOneof("target_union"), second.mod_revision) == (
        b"/podlab/data/b",
        "mod_revision",
        0,
    )
    assert [operation.WhichOneof("request") for operation in request.success] == [
        "request_put",
        "request_put",
        "request_delete_range",
        "request_put",
    ]
    assert [operation.request_range.key for operation in request.failure] == [b"/podlab/data/a", b"/podlab/data/b"]


def test_the_first_expectation_that_failed_is_told() -> None:
    operations = [Put("/free", b"", None), Put("/a", b"", 5), Put("/b", b"", 6), Put("/c", b"", 0)]
    refused = transaction.outcome(operations, read(5, 9, 3))
    assert isinstance(refused, Mismatch)
    assert (refused.key, refused.expected, refused.found) == ("/b", 6, 9)


def test_a_commit_whose_expectations_hold_and_that_failed_met_another_store() -> None:
    assert isinstance(transaction.outcome([Put("/a", b"", 5)], read(5)), OtherStore)


@pytest.mark.parametrize(
    ("operations", "surely"),
    [
        ([Put("/a", b"", None)], True),
        ([Delete("/a", 4), Delete("/b", None)], True),
        ([Delete("/a", None), Delete("/b", 0)], False),
    ],
)
def test_deleting_what_may_be_gone_changes_nothing_surely(operations: list[Put | Delete], surely: bool) -> None:
    assert transaction.changes_surely(operations) is surely


def test_deletions_become_ones_that_expect_what_was_found() -> None:
    deletions = [Delete("/a", None), Delete("/b", 0)]
    assert transaction.looked(deletions, read(12, 5, 0)) == [Delete("/a", 5), Delete("/b", 0)]
    assert transaction.looked(deletions, read(12, 0, 0)) == 12
    refused = transaction.looked(deletions, read(12, 5, 6))
    assert isinstance(refused, Mismatch)
    assert (refused.key, refused.found) == ("/b", 6)


def test_limits_leave_room_for_the_mark_and_for_keys() -> None:
    limits = transaction.limits(128, 1_572_864)
    assert (limits.operations, limits.value_bytes) == (127, 1_572_864 - 128 * 1024)
    assert transaction.limits(10_000, 1_572_864).value_bytes == 1_572_864 // 2
