"""Which pods a PodDisruptionBudget protects."""

from podlab.api.selection import selectors
from podlab.core.v1.pod_pb2 import Pod
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


def protects(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """A budget without selector protects nothing, one with an empty one all pods of its namespace."""
    if budget.metadata.namespace != pod.metadata.namespace or not budget.spec.HasField("selector"):
        return False
    return selectors.from_message(budget.spec.selector).matches(pod.metadata.labels)
