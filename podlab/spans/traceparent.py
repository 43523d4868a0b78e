"""W3C Trace Context, level 1: how a caller says in which trace its call is. Pure.

https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER = "traceparent"
ENVIRONMENT = "TRACEPARENT"
"""By which a pipeline tells the commands that it runs."""
# version-trace-parent-flags; later versions may have more behind it.
_MOST = 128
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


class TraceContext(NamedTuple):
    """16 bytes, and 8."""

    trace_id: bytes
    span_id: bytes


def parse(text: str) -> TraceContext | None:
    """None for what is to be ignored: another form, the version that there is not, and ids of zeros."""
    found = _FORM.fullmatch(text)
    if found is None or found[1] == "ff" or (found[1] == "00" and found[4]):
        return None
    made = TraceContext(bytes.fromhex(found[2]), bytes.fromhex(found[3]))
    return made if any(made.trace_id) and any(made.span_id) else None


def accepted(text: str) -> str:
    """The text if it can be used, and else nothing: what a caller sends is kept in memory."""
    return text if text and len(text) <= _MOST and parse(text) is not None else ""
