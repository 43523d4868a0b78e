"""What makes an object acceptable: pure functions over messages that have had their defaults.

Each returns every cause at once, in Kubernetes' words; nothing when all is well. The registry calls them after
`podlab.kinds.defaults`, and after names and addresses have been generated.
"""

from podlab.kinds.validation.rules import (
    validate_create,
    validate_joining,
    validate_status_update,
    validate_update,
)

__all__ = ["validate_create", "validate_joining", "validate_status_update", "validate_update"]
