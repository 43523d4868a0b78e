"""Collects what is wrong with an object, in Kubernetes' words, so that all of it is told at once."""

import json
from collections.abc import Iterable

from podlab.errors import MOST_CAUSES, Cause, bounded, cut

_SHOWN_CHARS = 1 << 10

Value = str | int | bool | None | dict[str, str] | list[str] | list[int]


class Findings:
    """Causes in the order they were found. Each method adds one at a field path such as `spec.containers[0].image`.

    The first ones are kept, and the others counted: an object may have as many as its sender likes.
    """

    def __init__(self) -> None:
        self._causes: list[Cause] = []
        self._more = 0

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What was found."""
        return bounded(self._causes, self._more) if self._causes else ()

    @property
    def count(self) -> int:
        """How many causes there are, those included that are not kept."""
        return len(self._causes) + self._more

    def add(self, *causes: Cause) -> None:
        """Add causes that were made elsewhere."""
        for cause in causes:
            self._add(cause.field, cause.reason, cause.message)

    def extend(self, others: "Findings") -> None:
        """Add what was found elsewhere."""
        self.add(*others._causes)
        self._more += others._more

    def required(self, field: str, detail: str = "") -> None:
        """A value is missing."""
        self._add(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))

    def invalid(self, field: str, value: Value, *details: str) -> None:
        """The value breaks a rule; once for each detail."""
        for detail in details:
            self._add(field, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {detail}")

    def breaks(self, field: str, detail: str) -> None:
        """The field breaks a rule by more than one value."""
        self._add(field, "FieldValueInvalid", f"Invalid value: {detail}")

    def unsupported(self, field: str, value: str, supported: Iterable[str]) -> None:
        """The value is none of those that exist here."""
        known = ", ".join(json.dumps(choice) for choice in supported)
        self._add(field, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {known}")

    def one_of(self, field: str, value: str, supported: Iterable[str]) -> None:
        """Find fault unless the value is one of those supported; an empty one is missing unless it is listed."""
        choices = tuple(supported)
        if value in choices:
            return
        if value:
            self.unsupported(field, value, choices)
        else:
            known = ", ".join(json.dumps(choice) for choice in choices)
            self.required(field, f"valid values are {known}")

    def one_of_required(self, field: str, value: str, supported: Iterable[str]) -> None:
        """Find fault unless the value is one of those supported; an empty one is missing."""
        if not value:
            self.required(field)
        elif value not in (choices := tuple(supported)):
            self.unsupported(field, value, choices)

    def duplicate(self, field: str, value: Value) -> None:
        """Another entry has the same value."""
        self._add(field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")

    def forbidden(self, field: str, detail: str) -> None:
        """The field may not be set, or not be changed, here."""
        self._add(field, "FieldValueForbidden", f"Forbidden: {detail}")

    def not_found(self, field: str, value: str, detail: str = "") -> None:
        """The value names something that is not there."""
        self._add(field, "FieldValueNotFound", f"Not found: {_shown(value)}" + (f": {detail}" if detail else ""))

    def too_long(self, field: str, limit_bytes: int) -> None:
        """The value is larger than what is kept."""
        self._add(field, "FieldValueTooLong", f"Too long: may not be more than {limit_bytes} bytes")

    def too_many(self, field: str, count: int, limit: int) -> None:
        """Find fault with a list that has more entries than are allowed."""
        if count > limit:
            self._add(field, "FieldValueTooMany", f"Too many: {count}: must have at most {limit} items")

    def at_least(self, field: str, value: int, minimum: int) -> None:
        """Find fault with a number below `minimum`."""
        if value < minimum:
            rule = "greater than 0" if minimum == 1 else f"greater than or equal to {minimum}"
            self.invalid(field, value, f"must be {rule}")

    def port(self, field: str, value: int) -> None:
        """Find fault with a number that is no port."""
        if not 0 < value < 65536:
            self.invalid(field, value, "must be between 1 and 65535, inclusive")

    def immutable(self, field: str, new: object, old: object, shown: Value) -> None:
        """Find fault with a change of what may not change."""
        if new != old:
            self.invalid(field, shown, "field is immutable")

    def _add(self, field: str, reason: str, message: str) -> None:
        if len(self._causes) < MOST_CAUSES:
            self._causes.append(Cause(field, reason, message))
        else:
            self._more += 1


def _shown(value: Value) -> str:
    if isinstance(value, str):
        value = cut(value, _SHOWN_CHARS)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
