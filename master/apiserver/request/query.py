"""The parameters of a URL, as Kubernetes reads them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podlab.errors import BadRequest, Cause, Invalid

DRY_RUN_ALL = "All"


@dataclass(frozen=True, slots=True)
class Query:
    """The first value of each parameter counts."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """Empty when it is absent."""
        return self.values.get(name, "")

    def flag(self, name: str) -> bool:
        """Kubernetes takes everything but `false` and `0` for true."""
        return self.values.get(name, "false").lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """None when it is absent. Raises BadRequest."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = int(text)
        except ValueError as error:
            raise BadRequest(f"{name}: {text!r} is not a whole number") from error
        if not -(2**63) <= number < 2**63:
            raise BadRequest(f"{name}: {text} is not a 64-bit integer")
        return number


def invalid_option(field: str, value: str, supported: Sequence[str], *, of: str = "Options") -> Invalid:
    """An option that Kubernetes does not have. `of` is the kind of options."""
    names = ", ".join(f'"{one}"' for one in supported)
    cause = Cause(field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {names}')
    return Invalid.of(f"{of}.meta.k8s.io", "", [cause])
