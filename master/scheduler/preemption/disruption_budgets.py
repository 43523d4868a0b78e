"""Which victims of a preemption would violate a PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Iterable

from master.scheduler.cache.pod_info import PodInfo
from podlab.api.selection import selectors
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


class DisruptionBudgets:
    """The cluster's budgets, with the allowances that their controller counted last."""

    def __init__(self, budgets: Iterable[PodDisruptionBudget]) -> None:
        self._budgets = [
            (budget, selectors.from_message(budget.spec.selector))
            for budget in budgets
            if budget.spec.HasField("selector")
        ]

    def violating(self, pods: Iterable[PodInfo]) -> set[str]:
        """The uids of the pods that exceed a budget's allowance when they are evicted in this order.

        A pod that a budget counts as disrupted already is free.
        """
        left = [budget.status.disruptionsAllowed for budget, _ in self._budgets]
        found: set[str] = set()
        for info in pods:
            metadata = info.pod.metadata
            for place, (budget, selector) in enumerate(self._budgets):
                protects = budget.metadata.namespace == metadata.namespace and selector.matches(metadata.labels)
                if not protects or metadata.name in budget.status.disruptedPods:
                    continue
                left[place] -= 1
                if left[place] < 0:
                    found.add(info.uid)
        return found
