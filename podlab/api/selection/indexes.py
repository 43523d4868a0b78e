"""Indexes of a Job's pods as text: numbers and ranges in rising order, such as 1,3-5."""

from collections.abc import Iterable

_ANY = 1 << 31


def parse(text: str, completions: int) -> tuple[range, ...]:
    """Raises ValueError, which says what is wrong with it."""
    found: list[range] = []
    last = -1
    for part in text.split(",") if text else ():
        ends = part.split("-")
        if len(ends) > 2:
            raise ValueError(
                f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
                "separated by '-'"
            )
        first, final = _index(ends[0], completions), _index(ends[-1], completions)
        if first <= last:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        if len(ends) == 2 and final <= first:
            raise ValueError(f"non-increasing order, previous: {first}, current: {final}")
        found.append(range(first, final + 1))
        last = final
    return tuple(found)


def text(numbers: Iterable[int]) -> str:
    """As `parse` reads it: three and more in a row are a range."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)


def below(bound: int, written: str) -> frozenset[int]:
    """The indexes of a text that are less than `bound`, which may have been higher when it was written."""
    return frozenset(number for one in parse(written, _ANY) for number in range(one.start, min(one.stop, bound)))


def overlap(some: tuple[range, ...], others: tuple[range, ...]) -> int | None:
    """An index that is in both; None when there is none."""
    for one in some:
        for other in others:
            first = max(one.start, other.start)
            if first < min(one.stop, other.stop):
                return first
    return None


def _index(text: str, completions: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise ValueError(f'cannot convert string to integer for index: "{text[:20]}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)
