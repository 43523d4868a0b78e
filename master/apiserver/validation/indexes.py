"""Indexes of a Job's pods as text: numbers and ranges in rising order, such as 1,3-5."""


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
