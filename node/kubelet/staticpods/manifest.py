"""What a file says of a static pod.

https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
"""

from __future__ import annotations

import hashlib
import logging

from podlab.api import kinds
from podlab.api.pods.references import references
from podlab.api.selection.labels import CONFIG_HASH, CONFIG_SOURCE, FILE_SOURCE
from podlab.api.serializer import codec, manifest
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest

log = logging.getLogger(__name__)

SIZE_LIMIT_BYTES = 10 << 20


class Malformed(Exception):
    """Why a file cannot be run as a pod."""


def decode(text: bytes, path: str, node_name: str) -> pod_pb2.Pod:
    """The pod as it runs on the node. Its uid changes with everything that the file says. Raises Malformed."""
    try:
        documents = manifest.read(text.decode())
    except (BadRequest, UnicodeDecodeError) as error:
        raise Malformed(f"couldn't parse as pod({error}), please check config file") from error
    if len(documents) != 1:
        raise Malformed(f"couldn't parse as pod(expected one object, found {len(documents)}), please check config file")
    try:
        pod, unknown = codec.from_dict_leniently(documents[0].data, kinds.of(pod_pb2.Pod))
    except ApiError as error:
        raise Malformed(f"couldn't parse as pod({error}), please check config file") from error
    assert isinstance(pod, pod_pb2.Pod)
    if unknown:  # which Kubernetes does not mind here
        log.warning("%s: unknown fields are ignored: %s", path, ", ".join(unknown))
    _complete(pod, path, node_name)
    _check(pod)
    return pod


def _complete(pod: pod_pb2.Pod, path: str, node_name: str) -> None:
    pod.ClearField("status")
    uid = _hash(pod, path, node_name)
    metadata = pod.metadata
    metadata.uid, metadata.name = uid, f"{metadata.name}-{node_name.lower()}"
    metadata.namespace = metadata.namespace or "default"
    metadata.annotations[CONFIG_HASH], metadata.annotations[CONFIG_SOURCE] = uid, FILE_SOURCE
    metadata.generation = 1
    pod.spec.nodeName = node_name
    if not any(each.operator == "Exists" and not each.key for each in pod.spec.tolerations):
        pod.spec.tolerations.add(operator="Exists", effect="NoExecute")  # whatever becomes of the node, it stays
    pod.status.phase = "Pending"


def _hash(pod: pod_pb2.Pod, path: str, node_name: str) -> str:
    said = hashlib.md5(f"host:{node_name}file:{path}".encode(), usedforsecurity=False)
    said.update(pod.SerializeToString(deterministic=True))
    return said.hexdigest()


def _check(pod: pod_pb2.Pod) -> None:
    # What pods are checked by is large, and needed on few nodes.
    from podlab.kinds.core.pod import RESOURCE
    from podlab.kinds.validation.rules import validate_create

    strategy = RESOURCE.strategy
    strategy.set_defaults(pod)
    if causes := validate_create(strategy.rules, pod, namespaced=True):
        raise Malformed(f"invalid pod: {'; '.join(map(str, causes))}")
    # Files have nobody's rights, and what they name may not be there when the API server is not.
    if named := next(references(pod), None):
        raise Malformed(f"static pods may not reference {named[0]}")
    if pod.spec.ephemeralContainers:
        raise Malformed("static pods may not have ephemeral containers")
