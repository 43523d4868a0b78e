"""Whether a device's taints keep a request off.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/5055-dra-device-taints-and-tolerations
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podlab.resource.v1.device_pb2 import DeviceTaint, DeviceToleration

_HARD = ("NoSchedule", "NoExecute")


def keep_off(taints: Iterable[DeviceTaint], tolerations: Sequence[DeviceToleration]) -> bool:
    """Whether one of the taints is not tolerated. The effect None keeps nobody off."""
    hard = (taint for taint in taints if taint.effect in _HARD)
    return any(not any(_tolerates(each, taint) for each in tolerations) for taint in hard)


def _tolerates(toleration: DeviceToleration, taint: DeviceTaint) -> bool:
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in ("", "Equal") and toleration.value == taint.value
