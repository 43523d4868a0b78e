"""What is served is described: kubectl explain shows the comments of the .proto files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from podlab_testing.builtin_kinds import CATALOG

from master.apiserver.openapi import models
from master.apiserver.rest.content.openapi_documents import descriptions
from podlab.api.serializer.encoding import is_inline
from podlab.meta.v1 import meta_pb2

BELOW = (below.body for kind in CATALOG.kinds for below in CATALOG.resource(kind).subresources)
BODIES = dict.fromkeys(body for body in BELOW if body is not None)
ROOTS = [*(kind.message for kind in CATALOG.kinds), *BODIES, meta_pb2.DeleteOptions, meta_pb2.Status, meta_pb2.ListMeta]


def messages(descriptor: Descriptor, seen: set[str]) -> Iterator[Descriptor]:
    """The message and all that it holds, but for scalars of JSON."""
    if descriptor.full_name in seen or descriptor.full_name in models.SCALARS:
        return
    seen.add(descriptor.full_name)
    if not descriptor.GetOptions().map_entry:
        yield descriptor
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from messages(field.message_type, seen)


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return descriptions()


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.DESCRIPTOR.full_name)
def test_every_message_and_field_has_a_comment(root: type, told: dict[str, str]) -> None:
    undescribed = [
        name
        for message in messages(root.DESCRIPTOR, set())  # type: ignore[attr-defined]
        for name in (message.full_name, *(field.full_name for field in message.fields if not is_inline(field)))
        if name not in told
    ]
    assert not undescribed, "say above them in the .proto what they are, in our own words"
