"""The kind ResourceQuota."""

from collections.abc import Iterable
from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.core.v1.quota_pb2 import ResourceQuota
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS


def _cells(item: ResourceQuota, now: datetime) -> Cells:
    limits = [name for name in sorted(item.status.hard) if name.startswith("limits.")]
    requests = [name for name in sorted(item.status.hard) if name not in limits]
    return [item.metadata.name, _usage(item, requests), _usage(item, limits), age(item, now)]


def _usage(item: ResourceQuota, names: Iterable[str]) -> str:
    status = item.status
    used = {name: status.used[name].string if name in status.used else "0" for name in names}
    return ", ".join(f"{name}: {used[name]}/{status.hard[name].string}" for name in names)


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import policy
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(policy.check_quota, policy.check_quota_update, policy.check_quota_status),
    )


RESOURCE = Resource(
    of(ResourceQuota),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "REQUEST", "LIMIT", "AGE")),
    load_strategy=_strategy,
)
