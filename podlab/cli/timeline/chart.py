"""The way of a pod as lines of text: a bar for each step. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from podlab.cli.objects import printing
from podlab.spans.way import Share, Way, shares, with_waits

_LEAST_BAR = 12
_MS = 1_000_000
LEAST_SHARE = 0.01
"""A wait that is a smaller part of the whole is left out; its time still counts."""


def sentence(name: str, found: Way) -> str:
    """How long it took until the pod was ready, and until it was reached."""
    if not found.steps:
        return f"pod {name}: nobody remembers anything of it"
    said = [f"ready after {ms(found.ready_ns - found.began_ns)}" if found.ready_ns is not None else "not ready yet"]
    if found.reached_ns is not None:
        nodes = {each.node for each in found.steps if each.component == "proxy"}
        where = f"all {len(nodes)} nodes" if len(nodes) > 1 else "its node"
        said.append(f"reached from {where} after {ms(found.reached_ns - found.began_ns)}")
    return f"pod {name}: {', '.join(said)}"


def slowest(found: Way) -> str:
    """The slowest step in a sentence; empty when nothing took any time."""
    parts = shares(found)
    if not parts:
        return ""
    first, whole_ns = parts[0], sum(each.own_ns for each in parts)
    by = f" ({first.step.where})"
    return f"slowest: {first.title}{by}, {ms(first.own_ns)}, {first.own_ns / whole_ns:.0%} of the time"


def chart(name: str, found: Way, width: int) -> list[str]:
    """What took how long, step by step, in lines of at most `width` characters where titles let them."""
    lines = [sentence(name, found), slowest(found)]
    if found.steps:
        lines += ["", *_rows(found, width)]
    said = notes(found)
    return [*filter(None, lines[:2]), *lines[2:], *(["", *said] if said else [])]


def ms(ns: int) -> str:
    """Milliseconds, as exact as they are read."""
    value = ns / _MS
    return f"{value:.0f} ms" if abs(value) >= 100 else f"{value:.1f} ms"


def _rows(found: Way, width: int) -> list[str]:
    whole_ns = max(each.ended_ns for each in found.steps) - found.began_ns
    listed = with_waits(found, max(1, int(whole_ns * LEAST_SHARE)))
    cells = [_cells(found, each) for each in listed]
    table = printing.aligned([["AT", "TOOK", "STEP", "BY", ""], *cells])
    room = max(_LEAST_BAR, width - max(map(len, table)) - 3)
    start = max(map(len, table)) + 3
    bars = ["", *(_bar(found, each, whole_ns, room) for each in listed)]
    return [f"{line.ljust(start)}{bar}".rstrip() for line, bar in zip(table, bars, strict=True)]


def _cells(found: Way, share: Share) -> Sequence[str]:
    step, mark = share.step, "" if share.step.exact else "~"
    took = ms(share.took_ns) if share.took_ns else ""
    title = "..." if share.is_wait else step.title
    return [f"{mark}{ms(share.began_ns - found.began_ns)}", took, title, "" if share.is_wait else step.where, ""]


def _bar(found: Way, share: Share, whole_ns: int, room: int) -> str:
    began_ns, ended_ns = share.began_ns, share.began_ns + share.took_ns
    first = min(room - 1, round((began_ns - found.began_ns) / max(1, whole_ns) * room))
    last = max(first + 1, round((ended_ns - found.began_ns) / max(1, whole_ns) * room))
    mark = "." if share.is_wait else "|" if ended_ns == began_ns else "#"
    return " " * first + mark * (last - first)


def notes(found: Way) -> list[str]:
    """What the figures leave out, and how far clocks are apart."""
    said = [f"{where} cannot be asked: {why}" for where, why in found.unanswered]
    said += [
        f"{where} began to remember only after that: what it did before comes from status and Events, marked ~"
        for where, since_ns in found.since_ns.items()
        if found.steps and since_ns > found.began_ns and _matters(where, found)
    ]
    said += [
        f"the clock of {each.where} is {ms(abs(each.skew_ns))} {'ahead' if each.skew_ns > 0 else 'behind'}"
        f" (±{ms(each.error_ns)}): its times are moved by that"
        for each in found.clocks
        if each.differs
    ]
    exact = [each.error_ns for each in found.clocks if not each.differs]
    if exact:
        said.append(f"clocks: {len(exact)} others were compared, and are the same within {ms(max(exact))}")
    return said


def _matters(where: str, found: Way) -> bool:
    """Whether something of the component's is less exact, or is missing."""
    own = [each for each in found.steps if each.where == where]
    return not own or any(not each.exact for each in own)


def report(target: str, ways: dict[str, Way], width: int) -> list[str]:
    """Of several pods a line for each, and the one that took longest step by step."""
    if len(ways) == 1:
        ((name, found),) = ways.items()
        return chart(name, found, width)
    order = sorted(ways, key=lambda name: (-_end(ways[name]), name))
    rows = [["POD", "READY", "REACHED", "SLOWEST STEP", "BY", "TOOK"], *(_summary(name, ways[name]) for name in order)]
    last = order[0]
    heading = f"{target}: {len(ways)} pods; the one that was last, step by step:"
    return [*printing.aligned(rows), "", heading, "", *chart(last, ways[last], width)]


def _end(found: Way) -> int:
    return max((each.ended_ns for each in found.steps), default=0)


def _summary(name: str, found: Way) -> list[str]:
    reached = [ms(each - found.began_ns) if each is not None else "-" for each in (found.ready_ns, found.reached_ns)]
    parts = shares(found)
    if not parts:
        return [name, *reached, "-", "-", "-"]
    return [name, *reached, parts[0].title, parts[0].step.where, ms(parts[0].own_ns)]
