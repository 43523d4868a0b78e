from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds

from master.apiserver.watchcache import encoding
from podlab.api.kinds import Kind
from podlab.api.objects import unwrap
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

NAMES = st.text(max_size=40)
REVISIONS = st.integers(min_value=1, max_value=2**62)


def stored(kind: Kind, name: str, labels: dict[str, str]) -> bytes:
    return kind.message(metadata=meta_pb2.ObjectMeta(name=name, labels=labels)).SerializeToString()  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
@given(name=NAMES, labels=st.dictionaries(NAMES, NAMES, max_size=3), revision=REVISIONS)
def test_every_response_reads_as_the_object_at_its_revision(
    kind: Kind, name: str, labels: dict[str, str], revision: int
) -> None:
    element = encoding.item(encoding.envelope(kind), stored(kind, name, labels), encoding.revision_tail(revision))
    wanted = kind.message(  # type: ignore[call-arg]
        metadata=meta_pb2.ObjectMeta(name=name, labels=labels, resourceVersion=str(revision))
    )
    assert unwrap(pb.GetResponse.FromString(encoding.item_response(element)).object) == wanted
    listed = pb.ListResponse.FromString(encoding.list_response([element, element], revision, "rest", 7))
    assert [unwrap(item) for item in listed.items] == [wanted, wanted]
    assert (listed.metadata.resourceVersion, listed.metadata.remainingItemCount) == (str(revision), 7)
    assert getattr(listed.metadata, "continue") == "rest"
    for event_type in (encoding.ADDED, encoding.MODIFIED, encoding.DELETED):
        frames = encoding.event(event_type, element) + encoding.bookmark(revision)
        event, bookmark = pb.WatchResponse.FromString(frames).events
        assert (event.type, unwrap(event.object)) == (event_type, wanted)
        assert (bookmark.type, bookmark.resource_version) == (pb.EVENT_TYPE_BOOKMARK, str(revision))
    deleted = pb.DeleteResponse.FromString(encoding.item_response(element) + encoding.removed_mark())
    assert deleted.removed
    assert unwrap(deleted.object) == wanted


def test_what_was_not_stored_has_no_revision() -> None:
    assert encoding.revision_tail(0) == b""
