"""A traced packet as text: a line a rule, aligned, and below it where the packet ends. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podlab.api.values.ipfamilies import with_port
from podlab.cli.objects.printing import aligned
from podlab.cli.tracing.question import Question
from podlab.v1.proxy_pb2 import TraceFinding, TraceLanding, TracePolicySide, TraceResponse, TraceStep

_HEADINGS = ("PACKETS", "ODDS", "TABLE", "CHAIN", "WHAT IT DOES WITH THIS PACKET")
_ARRIVES = "arrives"


@dataclass(frozen=True)
class Leg:
    """What one node says of the packet."""

    question: Question
    traced: TraceResponse


def report(legs: Sequence[Leg], *, rules: bool = False) -> str:
    """The first leg is that of the node where the packet begins. With `rules` each is followed by itself as it is."""
    first, *onward = legs
    lines = [f"{first.question}, by the rules that it has now ({first.traced.backend})", ""]
    lines += _steps(first.traced, rules=rules)
    lines += ["", *_ends(first)]
    for leg in onward:
        place = with_port(leg.question.destination, leg.question.port)
        lines += ["", f"then on node {leg.question.node}, for {place} from {leg.question.source}", ""]
        lines += [*_steps(leg.traced, rules=rules), "", *_ends(leg)]
    lines += ["", *_findings(legs)]
    return "\n".join(lines) + "\n"


def arrives(legs: Sequence[Leg]) -> bool:
    """Whether it arrives wherever it may be sent, and nothing of ours is missing or changed on its way."""
    landings = [each for leg in legs for each in leg.traced.landings]
    findings = [each for leg in legs for each in leg.traced.findings]
    return all(each.verdict == _ARRIVES for each in landings) and all(each.kind == "foreign" for each in findings)


def _steps(traced: TraceResponse, *, rules: bool) -> list[str]:
    if not traced.steps:
        return ["   no rule is about it"]
    rows = [_HEADINGS, *(_row(step) for step in traced.steps)]
    lines = aligned(rows)
    if not rules:
        return lines
    paired = zip(lines[1:], traced.steps, strict=True)
    return [lines[0], *(text for line, step in paired for text in (line, f"              {step.rule}"))]


def _row(step: TraceStep) -> tuple[str, ...]:
    counted = str(step.packets) if step.HasField("packets") else "-"
    return counted.rjust(len(_HEADINGS[0])), _odds(step), _table(step.table), step.chain, step.says


def _odds(step: TraceStep | TraceLanding) -> str:
    if isinstance(step, TraceStep) and step.uncertain:
        return "maybe"
    if not step.odds:
        return "maybe"
    return _percent(step.odds)


def _percent(share: float) -> str:
    text = f"{share * 100:.1f}".removesuffix(".0")
    return f"{text} %".rjust(5)


def _table(name: str) -> str:
    program, *rest = name.split()
    return f"legacy {rest[-1]}" if program == "iptables-legacy" else rest[-1]


def _ends(leg: Leg) -> list[str]:
    traced = leg.traced
    rows = [
        ("  ", _odds(each).strip(), _verdict(each), each.address, _whose(each, leg.question.node), "; ".join(each.way))
        for each in _merged(traced.landings)
    ]
    lines = ["it ends here:", *aligned([row[1:] for row in rows])]
    lines[1:] = [f"   {line}" for line in lines[1:]]
    lines += [f"      {each.reason}" for each in _stopped(traced.landings)]
    lines += _sources(leg)
    return [*lines, *_policies([side for each in traced.landings for side in each.policies])]


def _merged(landings: Sequence[TraceLanding]) -> list[TraceLanding]:
    """Each place once: that where only clients land that were there before is said by its rule already."""
    known = {(each.address, each.verdict) for each in landings if each.odds}
    return [each for each in landings if each.odds or (each.address, each.verdict) not in known]


def _stopped(landings: Sequence[TraceLanding]) -> list[TraceLanding]:
    seen: dict[str, TraceLanding] = {each.reason: each for each in landings if each.reason}
    return list(seen.values())


def _verdict(landing: TraceLanding) -> str:
    if landing.verdict != _ARRIVES:
        return landing.verdict.upper()
    return "to endpoint" if landing.translated else "to the pod" if landing.pod else "goes on as it is"


def _whose(landing: TraceLanding, node: str) -> str:
    if not landing.pod:
        return "-"
    where = "this node" if landing.node == node else landing.node
    return f"pod {landing.namespace}/{landing.pod} on {where}"


def _sources(leg: Leg) -> list[str]:
    """What the receiver sees as the sender."""
    landed = [each for each in leg.traced.landings if each.verdict == _ARRIVES]
    hidden = [each for each in landed if each.masqueraded]
    if not landed:
        return []
    if not hidden:
        return [f"   the receiver sees the sender's own address, {leg.question.source}"]
    where = "" if len(hidden) == len(landed) else f" at {', '.join(sorted({each.address for each in hidden}))}"
    return [f"   the receiver sees node {leg.question.node} as the sender{where} (masquerade)"]


def _policies(sides: Sequence[TracePolicySide]) -> list[str]:
    """What they say about pods that they isolate; that they isolate none is said once."""
    if not sides:
        return []
    said = dict.fromkeys(f"   {_policy(side)}" for side in sides if side.selecting)
    return list(said) or ["   no policy isolates a pod of this node that is on the way"]


def _policy(side: TracePolicySide) -> str:
    verb = "leave" if side.direction == "egress" else "enter"
    if side.allowed:
        return f"it may {verb} pod {side.pod}: {', '.join(side.allowing)} lets it ({side.direction})"
    return f"it may not {verb} pod {side.pod}: {', '.join(side.selecting)} isolates the pod ({side.direction})"


def _findings(legs: Sequence[Leg]) -> Iterator[str]:
    found = [(leg.question.node, finding) for leg in legs for finding in leg.traced.findings]
    if not found:
        yield "Nothing is missing, foreign or different on this way."
        return
    yield "NOT AS IT SHOULD BE:"
    yield from aligned([("  " + finding.kind, node, finding.where, finding.what) for node, finding in found])
    yield from _remedies([finding for _, finding in found])


def _remedies(found: Sequence[TraceFinding]) -> Iterator[str]:
    if any(each.kind != "foreign" for each in found):
        yield "What Podlab's agents miss they write again within 10 s; what is still missing then, their logs tell of:"
        yield "   journalctl -u podlab-proxy -u podlab-kubelet, on that node"
    if any(each.kind == "foreign" for each in found):
        yield "Foreign rules are not touched: whoever wrote them has to say that this traffic may pass."
