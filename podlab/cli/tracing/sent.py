"""What came of a real packet: which rules have counted it, and whether it was answered. Pure."""

from collections.abc import Iterator, Sequence

from podlab.cli.objects.printing import aligned
from podlab.cli.tracing.report import Leg
from podlab.v1.kubelet_pb2 import ProbeResult
from podlab.v1.proxy_pb2 import TraceResponse

_OUTCOMES = {
    "answered": "ANSWERED",
    "refused": "REFUSED",
    "silent": "NO ANSWER",
    "unreachable": "UNREACHABLE",
    "failed": "FAILED",
}
# Table, chain, rule
_Place = tuple[str, str, str]


def sent_report(before: Sequence[Leg], after: Sequence[Leg], sent: ProbeResult) -> str:
    """Other packets than ours may have come between: a counter that went up by more than one says so."""
    rows = [row for one, two in zip(before, after, strict=True) for row in _moved(one, two)]
    took = f" after {sent.seconds * 1000:.1f} ms" if sent.outcome == "answered" else ""
    lines = ["", f"A real packet was sent: {_OUTCOMES.get(sent.outcome, sent.outcome)}{took} ({sent.detail})", ""]
    if rows:
        lines += ["Rules that counted since:", *aligned([("NODE", "MORE", "TABLE", "CHAIN", "WHAT IT DOES"), *rows])]
    else:
        lines += ["No rule that counts has counted anything since."]
    return "\n".join(lines) + "\n"


def _moved(before: Leg, after: Leg) -> Iterator[tuple[str, ...]]:
    known = dict(_counts(before.traced))
    for step in after.traced.steps:
        place = step.table, step.chain, step.rule
        more = step.packets - known.get(place, step.packets)
        if more:
            yield before.question.node, f"+{more}", step.table.split()[-1], step.chain, step.says


def _counts(traced: TraceResponse) -> Iterator[tuple[_Place, int]]:
    return (((step.table, step.chain, step.rule), step.packets) for step in traced.steps if step.HasField("packets"))
