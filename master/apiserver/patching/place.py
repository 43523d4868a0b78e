"""Where a patched object stands: no patch can rename or move one."""

from __future__ import annotations

from podlab.api.values.jsonvalues import clipped
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import ObjectMeta


def check_place(new: ObjectMeta, *, namespace: str, name: str) -> None:
    """Raises BadRequest for another place than this, which is that of the object before, or of the URL."""
    if new.name != name:
        raise BadRequest(f"the name of the object ({clipped(new.name)}) does not match the name on the URL ({name})")
    if not new.namespace or not namespace:  # what lives in no namespace stays there
        new.namespace = namespace
    if new.namespace != namespace:
        raise BadRequest(
            f"the namespace of the provided object ({clipped(new.namespace)}) does not match the namespace sent on the "
            f"request ({namespace})"
        )
