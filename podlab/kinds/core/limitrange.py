"""The kind LimitRange."""

from datetime import datetime

from podlab.api.cells import Cells, Table
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.core.v1 import quota_pb2
from podlab.core.v1.quota_pb2 import LimitRange
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: LimitRange, now: datetime) -> Cells:
    return [item.metadata.name, times.text(item.metadata.creationTimestamp)]


def _set_defaults(limits: quota_pb2.LimitRange) -> None:
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


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import policy
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(policy.check_limit_range),
    )


RESOURCE = Resource(
    of(LimitRange),
    table=Table(_cells, ("NAME", "CREATED AT"), types={"CREATED AT": "date"}),
    load_strategy=_strategy,
)
