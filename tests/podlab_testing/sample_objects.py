"""A valid object of every kind, as small as can be: tests/podlab_testing/samples/, a file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from master.apiserver.patching.merge_patch import merge_patch
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, manifest

_DIRECTORY = Path(__file__).with_name("samples")


def data(kind: Kind) -> dict[str, Any]:
    """As its manifest has it; of two kinds of one name the file of one says its group. KeyError when there is none."""
    of_group = _DIRECTORY / f"{kind.singular}.{kind.group}.yaml"
    path = of_group if of_group.exists() else _DIRECTORY / f"{kind.singular}.yaml"
    if not path.exists():
        raise KeyError(f"{kind.name}: write {path}")
    (document,) = manifest.read(path.read_text())
    found: dict[str, Any] = document.data
    return found


def sample(kind: Kind, changes: dict[str, Any] | None = None, namespace: str = "default") -> Any:
    """A message, in the namespace if its kind has one, with changes as a merge patch has them."""
    made: Any = codec.from_dict(merge_patch(data(kind), changes or {}), kind)
    if kind.namespaced:
        made.metadata.namespace = namespace
    return made
