"""What drivers of volumes call themselves."""

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_DRIVER_NAME_CHARS = 63


def check_driver_name(found: Findings, field: str, name: str) -> None:
    """What a driver calls itself."""
    if not name:
        found.required(field)
        return
    if len(name) > _DRIVER_NAME_CHARS:
        found.too_long(field, _DRIVER_NAME_CHARS)
    found.invalid(field, name, *syntax.subdomain(name.lower()))
