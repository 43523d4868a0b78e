"""How a policy says no: with the reason that its validation names. Pure."""

from __future__ import annotations

from podlab.api.kinds import Kind
from podlab.errors import ApiError, Cause, Forbidden, Invalid, RequestTooLarge, Unauthorized

_REASONS: dict[str, type[ApiError]] = {
    "Unauthorized": Unauthorized,
    "Forbidden": Forbidden,
    "RequestEntityTooLarge": RequestTooLarge,
}


def refusal(kind: Kind, name: str, message: str, reason: str) -> ApiError:
    """To be raised. A reason that is not known means Invalid."""
    refused = _REASONS.get(reason, Invalid)
    about = f'{kind.resource} "{name}"' if name else kind.resource
    causes = (Cause("", "", message),)
    return refused(f"{about} is forbidden: {message}", kind=kind.resource, name=name, causes=causes)
