"""Where things stand in the store.

Objects: `/registry/<group or core>/<plural>/<namespace>/<name>`, without the namespace for kinds that have none.
Claims on addresses and ports: `/claims/<pool>/<what>`; they are written in the same commit as the Service that holds
them, so that no two can ever hold the same. A Namespace that is being deleted is marked in the same way.
"""

from functools import cache

from podlab.api.kinds import GroupResource, Kind
from podlab.errors import BadRequest

ROOT = "/"
OBJECTS = "/registry/"
CLAIMS = "/claims/"


@cache
def kind_prefix(kind: Kind) -> str:
    """What all keys of a kind start with."""
    return resource_prefix(kind.group_resource)


def resource_prefix(of: GroupResource) -> str:
    """As above, also of a kind that there is not."""
    return f"{group_prefix(of.group)}{of.resource}/"


def group_prefix(group: str) -> str:
    """What all keys of a group's kinds start with."""
    return f"{OBJECTS}{group or 'core'}/"


def prefix_of(key: str) -> str:
    """What the keys of that object's kind start with."""
    plural = key.index("/", len(OBJECTS)) + 1
    return key[: key.index("/", plural) + 1]


def scope_prefix(kind: Kind, namespace: str) -> str:
    """What the keys of a kind in one namespace, or in all when it is empty, start with. Raises BadRequest."""
    if not namespace:
        return kind_prefix(kind)
    if not kind.namespaced:
        raise BadRequest(f"{kind.plural} have no namespace; leave out {namespace!r}")
    return f"{kind_prefix(kind)}{namespace}/"


def object_key(kind: Kind, namespace: str, name: str) -> str:
    """The key of one object. Raises BadRequest when name or namespace is missing, or one too many."""
    if not name:
        raise BadRequest(f"{kind.name}: metadata.name: Required value: name or generateName is required")
    if not kind.namespaced:
        return scope_prefix(kind, namespace) + name
    if not namespace:
        raise BadRequest(f'{kind.plural} "{name}": metadata.namespace: Required value: {kind.plural} have a namespace')
    return f"{kind_prefix(kind)}{namespace}/{name}"


def claim_key(pool: str, what: str) -> str:
    """The key of the claim on an address or port of a pool."""
    return f"{CLAIMS}{pool}/{what}"
