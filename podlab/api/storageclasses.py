"""Classes of volumes: which one is the default, and how access modes are abbreviated."""

from collections.abc import Iterable

from podlab.storage.v1.storageclass_pb2 import StorageClass

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def access_modes(modes: Iterable[str]) -> str:
    """RWO,ROX: each once, in Kubernetes' order."""
    given = set(modes)
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in given)


def is_default(item: StorageClass) -> bool:
    """Whether claims that name no class get this one."""
    return item.metadata.annotations.get(DEFAULT_CLASS) == "true"
