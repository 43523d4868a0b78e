"""restrictedVolumes: volumes are of the kinds that hold the cluster's own data, or claims."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    counted,
    quoted,
)
from master.apiserver.admission.rules.podsecurity.checks import host_path_volumes
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_ALLOWED = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad: list[str] = []
    kinds: set[str] = set()
    for volume in spec.volumes:
        given = [field.name for field, _ in volume.volumeSource.ListFields()]
        if not _ALLOWED.intersection(given):
            bad.append(volume.name)
            kinds.update(given or ("unknown",))
    if not bad:
        return None
    volumes = f"{counted(len(bad), 'volume', 'volumes')} {quoted(bad)} {counted(len(bad), 'uses', 'use')}"
    types = counted(len(kinds), "restricted volume type", "restricted volume types")
    return Violation("restricted volume types", f"{volumes} {types} {quoted(sorted(kinds))}")


CHECK = Check("restrictedVolumes", SecurityLevel.RESTRICTED, (Revision(0, _check, (host_path_volumes.ID,)),))
