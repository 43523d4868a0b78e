"""The kind PersistentVolumeClaim."""

from datetime import datetime

from podlab.api.cells import UNSET, Cells, Table, age, phase
from podlab.api.kinds import of
from podlab.api.storageclasses import access_modes
from podlab.core.v1 import volume_pb2
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.kinds.defaults.storage import apply_to_claim_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_CLASS = ("STORAGECLASS", "VOLUMEATTRIBUTESCLASS")


def _cells(item: PersistentVolumeClaim, now: datetime) -> Cells:
    bound = bool(item.spec.volumeName)
    return [
        item.metadata.name,
        phase(item),
        item.spec.volumeName,
        item.status.capacity["storage"].string if bound and "storage" in item.status.capacity else "",
        access_modes(item.status.accessModes) if bound else "",
        item.spec.storageClassName,
        UNSET,
        age(item, now),
        item.spec.volumeMode or UNSET,
    ]


def _set_defaults(claim: volume_pb2.PersistentVolumeClaim) -> None:
    """The class is given by admission: it depends on what classes there are."""
    apply_to_claim_spec(claim.spec)


def _strategy() -> Strategy:
    from podlab.kinds.strategies import volumes
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import claims
    from podlab.kinds.warnings import moments
    from podlab.kinds.warnings.claims import of_claim

    return Strategy(
        prepare_for_create=volumes.begin_claim,
        set_defaults=_set_defaults,
        rules=Rules(claims.check_claim, claims.check_claim_update, claims.check_claim_status),
        warn=moments.always(of_claim),
    )


RESOURCE = Resource(
    of(PersistentVolumeClaim),
    subresources=(STATUS,),
    table=Table(
        _cells,
        ("NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", *_CLASS, "AGE", "VOLUMEMODE"),
        frozenset({"VOLUMEMODE"}),
    ),
    load_strategy=_strategy,
)
