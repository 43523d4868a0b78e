"""Columns of what says who pods are and how much they may use."""

from collections.abc import Iterable
from datetime import datetime

from podlab.api import times
from podlab.api.cells import Cells, Table, age
from podlab.core.v1.quota_pb2 import LimitRange, ResourceQuota
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass


def _service_account(item: ServiceAccount, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.secrets)), age(item, now)]


def _quota(item: ResourceQuota, now: datetime) -> Cells:
    limits = [name for name in sorted(item.status.hard) if name.startswith("limits.")]
    requests = [name for name in sorted(item.status.hard) if name not in limits]
    return [item.metadata.name, _usage(item, requests), _usage(item, limits), age(item, now)]


def _usage(item: ResourceQuota, names: Iterable[str]) -> str:
    status = item.status
    used = {name: status.used[name].string if name in status.used else "0" for name in names}
    return ", ".join(f"{name}: {used[name]}/{status.hard[name].string}" for name in names)


def _limit_range(item: LimitRange, now: datetime) -> Cells:
    return [item.metadata.name, times.text(item.metadata.creationTimestamp)]


def _priority_class(item: PriorityClass, now: datetime) -> Cells:
    default = str(item.globalDefault).lower()
    return [item.metadata.name, str(item.value), default, age(item, now), item.preemptionPolicy]


TABLES: dict[str, Table] = {
    "ServiceAccount": Table(_service_account, ("NAME", "SECRETS", "AGE")),
    "ResourceQuota": Table(_quota, ("NAME", "REQUEST", "LIMIT", "AGE")),
    "LimitRange": Table(_limit_range, ("NAME", "CREATED AT")),
    "PriorityClass": Table(_priority_class, ("NAME", "VALUE", "GLOBAL-DEFAULT", "AGE", "PREEMPTIONPOLICY")),
}
