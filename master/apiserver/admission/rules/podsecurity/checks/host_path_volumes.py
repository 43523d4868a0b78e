"""hostPathVolumes: a pod sees no directory of its host."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    counted,
    quoted,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

ID = "hostPathVolumes"


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    names = [volume.name for volume in spec.volumes if volume.volumeSource.HasField("hostPath")]
    if not names:
        return None
    return Violation("hostPath volumes", f"{counted(len(names), 'volume', 'volumes')} {quoted(names)}")


CHECK = Check(ID, SecurityLevel.BASELINE, (Revision(0, _check),))
