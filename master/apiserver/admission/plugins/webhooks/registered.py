"""The webhooks that are configured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.rules.matching import ServedAs
from master.apiserver.admission.rules.webhooks.hook import Hook, in_order
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from podlab.api.kinds import Kind

C = TypeVar("C", MutatingWebhookConfiguration, ValidatingWebhookConfiguration)

GROUP: Final = "admissionregistration.k8s.io"


def configures_admission(kind: Kind) -> bool:
    """Whether objects of the kind say who is asked: nobody is asked about these, who else could take back a mistake?"""
    return kind.group == GROUP


class RegisteredHooks(Generic[C]):
    """Follows the configurations for ever. Who is asked about which writes is found out once, until one changes."""

    def __init__(self, configurations: Lister[C]) -> None:
        self._configurations: Lister[C] = configurations
        self._all: Sequence[Hook] | None = None
        self._about: dict[tuple[ServedAs, str, str], Sequence[Hook]] = {}
        configurations.follow(self._forget)

    @property
    def are_there(self) -> bool:
        """Whether there is any."""
        return bool(self._all if self._all is not None else self._read())

    def about(self, served_as: Sequence[ServedAs], subresource: str, operation: str) -> Sequence[Hook]:
        """Those whose rules may be about such writes, in the order in which they are asked."""
        everyone = self._all if self._all is not None else self._read()
        if not everyone:
            return ()
        key = (served_as[0], subresource, operation)
        found = self._about.get(key)
        if found is None:
            found = [hook for hook in everyone if hook.may_take(served_as, subresource, operation)]
            self._about[key] = found
        return found

    def follow(self, changed: Callable[[], None]) -> None:
        """See Followed."""
        self._configurations.follow(changed)

    def _forget(self) -> None:
        self._all = None
        self._about.clear()

    def _read(self) -> Sequence[Hook]:
        self._all = in_order(self._configurations.within("").values())
        return self._all
