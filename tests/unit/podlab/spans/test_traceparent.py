from __future__ import annotations

import pytest

from podlab.spans import traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize("text", [f"00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-00-what-a-later-version-has"])
def test_ids_are_read_also_of_later_versions(text: str) -> None:
    read = traceparent.parse(text)
    assert read is not None
    assert (read.trace_id.hex(), read.span_id.hex()) == (TRACE, SPAN)
    assert traceparent.accepted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-{'x' * 200}",
    ],
)
def test_what_cannot_be_used_is_ignored(text: str) -> None:
    assert traceparent.accepted(text) == ""
