"""A decision as the table that `Explain` answers: each node by each plugin."""

from __future__ import annotations

from master.scheduler.algorithm.node_statuses import FITS
from master.scheduler.algorithm.schedule_pod import ScheduleResult
from master.scheduler.cycle.decision import Decision
from master.scheduler.preemption.evaluator import PreemptionResult
from master.scheduler.preemption.victims import Candidate
from podlab.v1 import scheduler_pb2 as pb

# So many candidates of a preemption are explained; each names its victims.
CANDIDATES_EXPLAINED = 20


def explanation(decision: Decision) -> pb.Explanation:
    """The whole decision."""
    result, metadata = decision.result, decision.pod.metadata
    message = pb.Explanation(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        scheduler_name=result.profile.scheduler_name,
        decided_at=decision.time,
        duration_us=decision.duration_us,
        attempts=decision.attempts,
        recomputed=decision.recomputed,
        node_name=result.node_name,
        nominated=decision.used_nomination,
        message=decision.failure_message,
        filters=[plugin.name for _, plugin in result.profile.ordered_filters],
        nodes=_nodes(result),
        gates=[gate.name for gate in decision.pod.spec.schedulingGates],
    )
    for scores in result.scores:
        message.scores.add(name=scores.plugin, weight=scores.weight)
    best = result.best
    if len(best) > 1:
        message.tied.extend(sorted(result.names[row] for row in best))
    if decision.preemption is not None:
        message.preemption.CopyFrom(_preemption(decision.preemption))
    return message


def _nodes(result: ScheduleResult) -> list[pb.NodeVerdict]:
    """Made of lists, because reading a number from an array costs ten times as much as from a list."""
    place_of = {index: place for place, (index, _) in enumerate(result.profile.ordered_filters)}
    filters, totals = result.statuses.filters.tolist(), result.totals.tolist()
    raw = list(zip(*(scores.raw.tolist() for scores in result.scores), strict=True))
    normalized = list(zip(*(scores.normalized.tolist() for scores in result.scores), strict=True))
    verdicts = []
    for row in result.evaluated.tolist():
        verdict = pb.NodeVerdict(node_name=result.names[row])
        if filters[row] != FITS:
            verdict.refused_by = place_of[filters[row]]
            verdict.reasons.extend(result.reasons(row))
        else:
            verdict.total = totals[row]
            if raw:
                verdict.raw.extend(raw[row])
                verdict.normalized.extend(normalized[row])
        verdicts.append(verdict)
    return verdicts


def _preemption(preemption: PreemptionResult) -> pb.PreemptionVerdict:
    best_first = sorted(preemption.candidates, key=lambda each: each.harm)[:CANDIDATES_EXPLAINED]
    return pb.PreemptionVerdict(
        node_name=preemption.chosen.node_name if preemption.chosen else "",
        message=preemption.message,
        candidates=[_candidate(each) for each in best_first],
    )


def _candidate(candidate: Candidate) -> pb.PreemptionCandidate:
    message = pb.PreemptionCandidate(node_name=candidate.node_name, violations=candidate.violations)
    for victim in candidate.victims:
        metadata = victim.pod.metadata
        message.victims.add(namespace=metadata.namespace, name=metadata.name, priority=victim.pod.spec.priority)
    return message
