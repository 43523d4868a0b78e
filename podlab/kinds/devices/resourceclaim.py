"""The kind ResourceClaim."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.defaults.devices import set_claim_defaults
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim


def _cells(item: ResourceClaim, now: datetime) -> Cells:
    deleted, status = item.metadata.HasField("deletionTimestamp"), item.status
    states = ["deleted"] if deleted else []
    if status.HasField("allocation"):
        states += ["allocated", *(["reserved"] if status.reservedFor else [])]
    elif not deleted:
        states.append("pending")
    return [item.metadata.name, ",".join(states), age(item, now)]


def _set_defaults(given: ResourceClaim) -> None:
    set_claim_defaults(given.spec)


def _strategy() -> Strategy:
    from podlab.kinds.strategies import devices
    from podlab.kinds.validation.devices import claims, claimstatus
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        prepare_for_status_update=devices.forget_given_back,
        rules=Rules(
            create=claims.check_new_claim,
            update=claims.check_claim_update,
            status_update=claimstatus.check_claim_status_update,
        ),
    )


RESOURCE = Resource(
    of(ResourceClaim),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "STATE", "AGE")),
    load_strategy=_strategy,
)
