"""What a client is warned of, as headers. Text: https://www.rfc-editor.org/rfc/rfc7234#section-5.5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from podlab.api.warnings import bounded

Warnings = Sequence[str]


def headers(warnings: Warnings) -> Iterator[str]:
    """The values of the header Warning, one for each that is told."""
    return (f"299 - {orjson.dumps(one).decode()}" for one in bounded(warnings))
