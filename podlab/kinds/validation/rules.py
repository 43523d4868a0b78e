"""What is checked of objects, and the three moments at which it is.

Each function returns every cause at once, in Kubernetes' words; nothing when all is well. Objects have had their
defaults by then, and names and addresses have been generated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podlab.errors import Cause
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.instants import check_instants
from podlab.kinds.validation.metadata import NameRule, check_metadata, check_metadata_update, standard_finalizer

OBJECT_BYTES = 3 << 19  # 1.5 MiB, as much as etcd takes in one request

Check = Callable[[Findings, Any], None]
UpdateCheck = Callable[[Findings, Any, Any], None]


def _nothing(found: Findings, *_: Any) -> None:
    """For kinds about which there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One kind's checks. `always` runs on create and update, `create` on create alone, `update` compares, `status` runs
    on status updates."""

    always: Check = _nothing
    update: UpdateCheck = _nothing
    status: Check = _nothing
    create: Check = _nothing
    create_alike: Check = _nothing
    """What of `always` and `create` depends on more than spec and status: enough where another object that had the same
    has been found valid."""
    joining: UpdateCheck = _nothing
    """Compares when ephemeral containers join."""
    resizing: UpdateCheck = _nothing
    """Compares when what a pod's containers may use changes."""
    status_update: UpdateCheck = _nothing
    """Compares on status updates."""
    name: NameRule = syntax.subdomain
    finalizer: NameRule = standard_finalizer


ANYTHING = Rules()
"""Of kinds of which no more is asked than of all."""


def validate_create(
    rules: Rules, message: Message, size_bytes: int | None = None, *, namespaced: bool
) -> tuple[Cause, ...]:
    """What is wrong with a new object. The times in its metadata are the cluster's own, and not looked at.

    `size_bytes` is what it takes, where that is known: a message is encoded to find it out.
    """
    found = Findings()
    check_metadata(found, _metadata(message), rules.name, rules.finalizer, namespaced=namespaced)
    _check_rest(found, rules, message, "metadata", size_bytes)
    rules.create(found, message)
    rules.status(found, message)  # only kubelets come with a status: that of their node
    return found.causes


def validate_create_alike(
    rules: Rules, message: Message, size_bytes: int | None = None, *, namespaced: bool
) -> tuple[Cause, ...]:
    """What is wrong with a new object whose spec and status are those of one that has been found valid.

    `size_bytes` as above.
    """
    found = Findings()
    check_metadata(found, _metadata(message), rules.name, rules.finalizer, namespaced=namespaced)
    rules.create_alike(found, message)
    _check_size(found, message.ByteSize() if size_bytes is None else size_bytes)
    return found.causes


def validate_update(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    """What is wrong with an object that replaces `old`. Status is not looked at: an update leaves it alone."""
    found = Findings()
    aside = _check_metadata_update(found, rules, new, old, namespaced=namespaced)
    _check_rest(found, rules, new, aside)
    rules.update(found, new, old)
    return found.causes


def validate_status_update(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    """What is wrong with a new status, and what marks the object. Spec is not looked at: a status update leaves it
    alone."""
    found = Findings()
    aside = _check_metadata_update(found, rules, new, old, namespaced=namespaced)
    rules.status(found, new)
    rules.status_update(found, new, old)
    check_instants(found, new, aside=aside)
    _check_size(found, new.ByteSize())
    return found.causes


def validate_joining(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    """What is wrong with the ephemeral containers of a pod that replaces `old`. Of the rest nothing differs."""
    found = Findings()
    aside = _check_metadata_update(found, rules, new, old, namespaced=namespaced)
    _check_rest(found, rules, new, aside)
    rules.joining(found, new, old)
    return found.causes


def validate_resizing(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    """What is wrong with the resources of a pod that replaces `old`. Of the rest nothing differs."""
    found = Findings()
    aside = _check_metadata_update(found, rules, new, old, namespaced=namespaced)
    _check_rest(found, rules, new, aside)
    rules.resizing(found, new, old)
    return found.causes


def _check_metadata_update(found: Findings, rules: Rules, new: Message, old: Message, *, namespaced: bool) -> str:
    """What is as it was is not looked at again: the name of that field, empty where it has changed."""
    metadata, before = _metadata(new), _metadata(old)
    if metadata == before:
        return "metadata"
    check_metadata_update(found, metadata, before)
    check_metadata(found, metadata, rules.name, rules.finalizer, namespaced=namespaced)
    return ""


def _check_rest(
    found: Findings, rules: Rules, message: Message, aside: str = "", size_bytes: int | None = None
) -> None:
    rules.always(found, message)
    check_instants(found, message, aside=aside)
    _check_size(found, message.ByteSize() if size_bytes is None else size_bytes)


def _check_size(found: Findings, size_bytes: int) -> None:
    if size_bytes > OBJECT_BYTES:
        found.too_long("object", OBJECT_BYTES)


def _metadata(message: Any) -> Any:
    return message.metadata
