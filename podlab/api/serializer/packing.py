"""How field sets are stored: short, for every object has some."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

_REMEMBERED = 2048
# JSON never begins so. Another text that is expected would need another mark: what is stored depends on it.
_PACKED: Final = b"\x01"
# Room for what is expected and a set of some KB behind it: to make a packer of the largest sizes takes far longer.
_WINDOW_BITS, _MEMORY_LEVEL = 13, 5
_EXPECTED: Final = (
    b'"f:ownerReferences":{".":{},"k:{\\"uid\\":\\""f:generateName":{},"f:finalizers":{".":{},"v:\\"'
    b'"f:annotations":{".":{},"f:kubectl.kubernetes.io/last-applied-configuration":{}}'
    b'"f:volumes":{".":{},"k:{\\"name\\":\\"":{".":{},"f:name":{},"f:configMap":{"f:defaultMode":{}'
    b'"f:env":{".":{},"k:{\\"name\\":\\"":{".":{},"f:name":{},"f:value":{}},"f:ports":{".":{},'
    b'"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}}'
    b'"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},'
    b'"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:observedGeneration":{},"f:replicas":{}'
    b'"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},'
    b'{"f:metadata":{"f:annotations":{".":{},"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},'
    b'"f:ownerReferences":{".":{},"k:{\\"uid\\":\\"\\"}":{}}},"f:spec":{"f:affinity":{},"f:containers":{"k:{\\"name\\":\\"'
    b'\\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},'
    b'"f:terminationMessagePolicy":{},"f:volumeMounts":{".":{},"k:{\\"mountPath\\":\\"/":{".":{},"f:mountPath":{},"f:name":{}}'
    b'}},"f:dnsPolicy":{},"f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},'
    b'"f:terminationGracePeriodSeconds":{}}}{"f:status":{"f:conditions":{".":{},"k:{\\"type\\":\\"ContainersReady\\"}":'
    b'{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:message":{},"f:observedGeneration":{},"f:reason":{},'
    b'"f:status":{},"f:type":{}},"k:{\\"type\\":\\"Initialized\\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},'
    b'"f:status":{},"f:type":{}},"k:{\\"type\\":\\"PodReadyToStartContainers\\"}":{".":{},"f:lastProbeTime":{},'
    b'"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\\"type\\":\\"Ready\\"}":{".":{},"f:lastProbeTime":{},'
    b'"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:hostIPs":{},'
    b'"f:phase":{},"f:podIP":{},"f:podIPs":{".":{},"k:{\\"ip\\":\\"10."}":{".":{},"f:ip":{}}},"f:startTime":{}}}'
)


def packed(text: bytes) -> bytes:
    """A set's JSON as it is stored: a tenth of it, where it is of the fields that pods have."""
    packer = zlib.compressobj(level=1, wbits=-_WINDOW_BITS, memLevel=_MEMORY_LEVEL, zdict=_EXPECTED)
    return _PACKED + packer.compress(text) + packer.flush()


@lru_cache(maxsize=_REMEMBERED)
def unpacked(stored: bytes) -> bytes:
    """The set's JSON. Raises ValueError for what nobody packed."""
    if not is_packed(stored):
        return stored
    try:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_EXPECTED).decompress(stored[len(_PACKED) :])
    except zlib.error as error:
        raise ValueError(f"fieldsV1: what is stored cannot be unpacked: {error}") from error


def is_packed(stored: bytes) -> bool:
    """Whether it is not the JSON itself."""
    return stored.startswith(_PACKED)
