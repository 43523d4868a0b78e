"""A decision as the table that `Explain` answers: each node by each plugin. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from master.scheduler.algorithm.filter_cache import FITS
from master.scheduler.algorithm.schedule_pod import Decision
from master.scheduler.preemption.evaluator import Preemption
from master.scheduler.preemption.victims import Candidate
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import Time
from podlab.v1 import scheduler_pb2 as pb

# Candidates of a preemption that are told; each names its victims.
CANDIDATES_TOLD = 20


@dataclass(frozen=True)
class Made:
    """A decision about a pod: when, at which attempt, how long it took, and what came of a preemption, if one was due.

    `recomputed` tells that it was made to be told, and is not what was decided then.
    """

    pod: Pod
    decision: Decision
    preemption: Preemption | None
    time: Time
    attempts: int
    duration_us: int
    nominated: bool = False
    recomputed: bool = False

    @property
    def nbytes(self) -> int:
        """The memory of its arrays: of numbers alike but for one, two for each score, and of codes and totals."""
        decision = self.decision
        return decision.refused.by.nbytes + decision.totals.nbytes * (2 + 2 * len(decision.given))


def message(decision: Decision, preemption: Preemption | None) -> str:
    """The sentence of the pod's condition and Event; empty when it has a node."""
    return " ".join(part for part in (decision.message, preemption.message if preemption else "") if part)


def explanation(made: Made) -> pb.Explanation:
    """The whole decision."""
    decision, metadata = made.decision, made.pod.metadata
    told = pb.Explanation(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        scheduler_name=decision.profile.scheduler_name,
        decided_at=made.time,
        duration_us=made.duration_us,
        attempts=made.attempts,
        recomputed=made.recomputed,
        node_name=decision.node_name,
        nominated=made.nominated,
        message=message(decision, made.preemption),
        filters=[plugin.name for _, plugin in decision.profile.in_order],
        nodes=_nodes(decision),
        gates=[gate.name for gate in made.pod.spec.schedulingGates],
    )
    for given in decision.given:
        told.scores.add(name=given.plugin, weight=given.weight)
    best = decision.best
    if len(best) > 1:
        told.tied.extend(sorted(decision.names[row] for row in best))
    if made.preemption is not None:
        told.preemption.CopyFrom(_preemption(made.preemption))
    return told


def _nodes(decision: Decision) -> list[pb.NodeVerdict]:
    """As plain lists first: a number of an array costs ten times one of a list."""
    place_of = {index: place for place, (index, _) in enumerate(decision.profile.in_order)}
    refused_by, totals = decision.refused.by.tolist(), decision.totals.tolist()
    raw = list(zip(*(given.raw.tolist() for given in decision.given), strict=True))
    normalized = list(zip(*(given.normalized.tolist() for given in decision.given), strict=True))
    told = []
    for row in decision.rows.tolist():
        verdict = pb.NodeVerdict(node_name=decision.names[row])
        if refused_by[row] != FITS:
            verdict.refused_by = place_of[refused_by[row]]
            verdict.reasons.extend(decision.reasons(row))
        else:
            verdict.total = totals[row]
            if raw:
                verdict.raw.extend(raw[row])
                verdict.normalized.extend(normalized[row])
        told.append(verdict)
    return told


def _preemption(preemption: Preemption) -> pb.PreemptionVerdict:
    best_first = sorted(preemption.considered, key=lambda each: each.harm)[:CANDIDATES_TOLD]
    return pb.PreemptionVerdict(
        node_name=preemption.chosen.node_name if preemption.chosen else "",
        message=preemption.message,
        candidates=[_candidate(each) for each in best_first],
    )


def _candidate(candidate: Candidate) -> pb.PreemptionCandidate:
    told = pb.PreemptionCandidate(node_name=candidate.node_name, violations=candidate.violations)
    for victim in candidate.victims:
        metadata = victim.pod.metadata
        told.victims.add(namespace=metadata.namespace, name=metadata.name, priority=victim.pod.spec.priority)
    return told
