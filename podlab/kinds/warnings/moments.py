"""When authors are warned: of pods when they are made, of others when what they ask for changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from podlab.core.v1.pod_pb2 import Pod, PodSpec
from podlab.kinds.strategy import Warn
from podlab.kinds.validation import syntax
from podlab.kinds.warnings import pods

Look = Callable[[Any], Iterator[str]]
# What is remembered stays small: 512 specs of at most this size.
_REMEMBERED_BYTES = 8 << 10
_IN_HOSTNAMES = "which can result in surprising behavior; a DNS label is recommended: "


def always(look: Look) -> Warn:
    """Whatever has changed."""
    return lambda new, old: list(look(new))


def of_pod(new: Any, old: Any) -> list[str]:
    """A pod is looked at when it is made."""
    if old is not None:
        return []
    return [*_of_name(new, "the Pod's hostname"), *_of_pod_spec(new)]


def _of_pod_spec(pod: Pod) -> Iterable[str]:
    """Pods of one template have the same spec, to the byte, and the same is to be said of all of them."""
    encoded = pod.spec.SerializeToString()
    if len(encoded) > _REMEMBERED_BYTES:
        return pods.of(pod)
    marks = pod.metadata.annotations
    return _remembered(encoded, tuple((name, marks[name]) for name in marks if pods.is_looked_at(name)))


@lru_cache(maxsize=512)
def _remembered(encoded: bytes, annotations: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    pod = Pod(spec=PodSpec.FromString(encoded))
    pod.metadata.annotations.update(annotations)
    return tuple(pods.of(pod))


def of_template(look: Look | None = None, *, named: bool = True) -> Warn:
    """What makes pods of a template is looked at when what it asks for changes; its own name, when it comes into the
    names of its pods, at first."""
    looked: Look = look or _template

    def warn(new: Any, old: Any) -> list[str]:
        if old is not None and new.spec == old.spec:
            return []
        of_name = _of_name(new, "Pod names and hostnames") if old is None and named else ()
        return [*of_name, *looked(new)]

    return warn


def _template(message: Any) -> Iterator[str]:
    yield from pods.of(message.spec.template, "spec.template")


def _of_name(message: Any, where: str) -> Iterator[str]:
    """Names of more than a label's form come into hostnames."""
    if faults := syntax.label(message.metadata.name):
        yield f"metadata.name: this is used in {where}, {_IN_HOSTNAMES}[{' '.join(faults)}]"
