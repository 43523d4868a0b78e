"""What becomes of an object that is written or read from the store, before anybody looks at it."""

from __future__ import annotations

from podlab.api.values.jsonvalues import Json
from podlab.schemas.defaulting import drop_nulls, set_defaults
from podlab.schemas.embedded import coerce
from podlab.schemas.pruning import prune
from podlab.schemas.schema import Schema


def arrive(value: dict[str, Json], schema: Schema) -> list[str]:
    """Defaults an object and drops what its schema does not know, in place; its own metadata are not looked at.

    Returns the paths of what was dropped: spec.foo. Raises BadRequest where an embedded object is none.
    """
    set_defaults(value, schema)
    dropped = prune(value, schema)
    drop_nulls(value, schema)
    return dropped + coerce(value, schema)
