"""Field sets as they are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.serializer import packing

POD = (
    b'{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},"f:ownerReferences":'
    b'{".":{},"k:{\\"uid\\":\\"f3b0c7a4-3c1f-4b27-9d0e-2b7b3b1c9a10\\"}":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":'
    b'\\"web\\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},'
    b'"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},'
    b'"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}'
)


@given(st.binary().map(lambda rest: b"{" + rest))
def test_what_is_packed_is_unpacked_to_the_same_text(text: bytes) -> None:
    assert packing.unpacked(packing.packed(text)) == text == packing.unpacked(text)


def test_a_pods_fields_take_a_fifth_of_their_text() -> None:
    assert len(packing.packed(POD)) * 5 < len(POD)


def test_what_nobody_packed_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be unpacked"):
        packing.unpacked(b"\x01\xff\xff")
