"""New pods out of their owners' templates."""

from __future__ import annotations

from google.protobuf.message import Message

from master.controllers.objects.ownership import reference_to
from podlab.api.values import names
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2


def new_pod(owner: Message, template: pod_pb2.PodTemplateSpec, name: str = "") -> pod_pb2.Pod:
    """One of `owner`'s. Where it is given no name it is named here and not by the server, so that a lost answer can be
    asked for.
    """
    metadata: meta_pb2.ObjectMeta = owner.metadata  # type: ignore[attr-defined]
    prefix = f"{metadata.name}-"
    return pod_pb2.Pod(
        metadata=meta_pb2.ObjectMeta(
            name=name or names.generate(prefix),
            generateName=prefix,
            namespace=metadata.namespace,
            labels=template.metadata.labels,
            annotations=template.metadata.annotations,
            finalizers=template.metadata.finalizers,
            ownerReferences=[reference_to(owner)],
        ),
        spec=template.spec,
    )
