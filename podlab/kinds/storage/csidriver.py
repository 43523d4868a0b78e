"""The kind CSIDriver."""

from datetime import datetime

from podlab.api.cells import UNSET, Cells, Table, age, joined
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.storage.v1.csi_pb2 import CSIDriver, CSIDriverSpec

_HEADERS = "NAME|ATTACHREQUIRED|PODINFOONMOUNT|STORAGECAPACITY|TOKENREQUESTS|REQUIRESREPUBLISH|MODES|AGE"
_DEFAULTS = CSIDriverSpec(
    attachRequired=True,
    podInfoOnMount=False,
    storageCapacity=False,
    fsGroupPolicy="ReadWriteOnceWithFSType",
    requiresRepublish=False,
    seLinuxMount=False,
)


def _cells(item: CSIDriver, now: datetime) -> Cells:
    spec = item.spec
    attached = spec.attachRequired or not spec.HasField("attachRequired")
    return [
        item.metadata.name,
        *(str(flag).lower() for flag in (attached, spec.podInfoOnMount, spec.storageCapacity)),
        ",".join(one.audience for one in spec.tokenRequests) if spec.tokenRequests else UNSET,
        str(spec.requiresRepublish).lower(),
        joined(spec.volumeLifecycleModes),
        age(item, now),
    ]


def _set_defaults(given: CSIDriver) -> None:
    """Volumes are attached, outlive their pods, and are nothing special."""
    spec = CSIDriverSpec()
    spec.CopyFrom(_DEFAULTS)
    spec.MergeFrom(given.spec)
    if not spec.volumeLifecycleModes:
        spec.volumeLifecycleModes.append("Persistent")
    given.spec.CopyFrom(spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import csi

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(csi.check_driver, csi.check_driver_update),
    )


RESOURCE = Resource(
    of(CSIDriver),
    table=Table(
        _cells,
        tuple(_HEADERS.split("|")),
        types=dict.fromkeys(("ATTACHREQUIRED", "PODINFOONMOUNT", "STORAGECAPACITY", "REQUIRESREPUBLISH"), "boolean"),
    ),
    load_strategy=_strategy,
)
