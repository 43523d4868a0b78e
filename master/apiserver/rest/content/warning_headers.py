"""What a client is warned of, as headers: each thing once, and no more of them than clients read.

Text: https://www.rfc-editor.org/rfc/rfc7234#section-5.5. Go's clients take 1 MiB of headers in all, others 8 KiB, so
kube-apiserver cuts each warning short when all of them are longer than 4 KiB, and leaves out what is beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

TOTAL_CHARS = 4 << 10
ITEM_CHARS = 256

Warnings = Sequence[str]


def headers(warnings: Warnings) -> Iterator[str]:
    """The values of the header Warning, one for each that is told."""
    told = list(dict.fromkeys(warnings))
    if sum(map(len, told)) > TOTAL_CHARS:
        told = [one[:ITEM_CHARS] for one in told]
    left = TOTAL_CHARS
    for one in told:
        left -= len(one)
        if left < 0:
            return
        yield f"299 - {orjson.dumps(one).decode()}"
