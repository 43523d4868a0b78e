"""Defaults of limit ranges and priority classes."""

from podlab.core.v1 import quota_pb2
from podlab.scheduling.v1 import priorityclass_pb2


def apply_to_limit_range(limits: quota_pb2.LimitRange) -> None:
    """A container's default limit is its maximum; its default request is its default limit, or else the minimum."""
    for item in limits.spec.limits:
        if item.type != "Container":
            continue
        for given, to in (
            (item.max, item.default),
            (item.default, item.defaultRequest),
            (item.min, item.defaultRequest),
        ):
            for name, amount in given.items():
                if name not in to:
                    to[name].CopyFrom(amount)


def apply_to_priority_class(given: priorityclass_pb2.PriorityClass) -> None:
    """Pods may take the place of less important ones."""
    if not given.HasField("preemptionPolicy"):
        given.preemptionPolicy = "PreemptLowerPriority"
