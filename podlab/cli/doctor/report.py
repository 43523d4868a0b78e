"""The network's check as text: what is broken first, then what works, a line a kind. Pure."""

from collections.abc import Iterator, Sequence

from podlab.cli.doctor.legs import KINDS, Checked
from podlab.cli.objects.printing import aligned


def report(checked: Sequence[Checked]) -> str:
    """`checked` is in the order of `worst_first`."""
    broken = [each for each in checked if not each.whole]
    lines = [*_broken(broken), *_whole(checked), "", _verdict(broken, checked)]
    return "\n".join(lines) + "\n"


def _broken(broken: Sequence[Checked]) -> Iterator[str]:
    """Legs that have one cause stand together, and the cause below them."""
    causes = dict.fromkeys((each.cause, each.remedy) for each in broken)
    for cause, remedy in causes:
        legs = [each for each in broken if (each.cause, each.remedy) == (cause, remedy)]
        rows = [("BROKEN", each.leg.kind, f"{each.leg.source} -> {each.leg.target}", _what(each)) for each in legs]
        yield from aligned(rows)
        yield f"         cause:  {cause}"
        yield f"         try:    {remedy}"
        yield ""


def _what(checked: Checked) -> str:
    return f"{checked.outcome}: {checked.detail}" if checked.detail else checked.outcome


def _whole(checked: Sequence[Checked]) -> list[str]:
    rows = [row for kind in KINDS if (row := _kind(kind, [each for each in checked if each.leg.kind == kind]))]
    return aligned(rows)


def _kind(kind: str, checked: Sequence[Checked]) -> tuple[str, ...] | None:
    whole = [each for each in checked if each.whole]
    if not whole:
        return None
    slowest = max(whole, key=lambda each: each.seconds)
    where = f"slowest {slowest.seconds * 1000:.1f} ms, {slowest.leg.source} -> {slowest.leg.target}"
    return "ok    ", kind, f"{len(whole)} of {len(checked)}", where


def _verdict(broken: Sequence[Checked], checked: Sequence[Checked]) -> str:
    nodes = len({each.leg.source for each in checked})
    if not broken:
        return f"The network is whole: {len(checked)} legs from {nodes} nodes."
    return f"{len(broken)} of {len(checked)} legs from {nodes} nodes are broken."
