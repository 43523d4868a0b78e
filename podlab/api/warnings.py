"""What a client is warned of: each thing once, and no more of it than clients read; and how it travels over gRPC.

Go's clients of HTTP take 1 MiB of headers in all, others 8 KiB, so kube-apiserver cuts each warning short when all of
them are longer than 4 KiB, and leaves out what is beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

TOTAL_CHARS = 4 << 10
ITEM_CHARS = 256

_KEY = "warning-bin"
"""In the trailing metadata, one for each; binary, for a warning may quote what users have written."""

Metadata = tuple[tuple[str, str | bytes], ...]


def bounded(warnings: Sequence[str]) -> Iterator[str]:
    """Those that are told."""
    told = list(dict.fromkeys(warnings))
    if sum(map(len, told)) > TOTAL_CHARS:
        told = [one[:ITEM_CHARS] for one in told]
    left = TOTAL_CHARS
    for one in told:
        left -= len(one)
        if left < 0:
            return
        yield one


def to_metadata(warnings: Sequence[str]) -> Metadata:
    """Metadata that tells them."""
    return tuple((_KEY, one.encode()) for one in bounded(warnings))


def from_metadata(metadata: Iterable[tuple[str, str | bytes]] | None) -> list[str]:
    """Those that metadata tell."""
    return [value.decode() for key, value in metadata or () if key == _KEY and isinstance(value, bytes)]
