"""The kinds that commands know: built-in ones at once, custom ones once the server has been asked for them."""

from collections.abc import Callable
from functools import cache

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import GroupKind, Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.cli import session
from podlab.client.client import Client
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource

LoadCatalog = Callable[[], Catalog]
"""How more kinds than the built-in ones are found, for words that name none of those."""


def served() -> Catalog:
    """All kinds. Asks the server, once in a command; raises what that raises. Not for use inside an event loop, where
    `ask` is."""
    _served()
    return known()


async def ask(client: Client) -> None:
    """Know the custom kinds that the server has. Those that are defined already stay as they are."""
    from podlab.kinds.custom.served import ServedDefinitions

    ours = {kind.group_kind for kind in known().stored if kind.message is Custom}
    found = await client.discover()
    others = [one for one in found if GroupKind(one.spec.group, one.status.acceptedNames.kind) not in ours]
    ServedDefinitions(_kinds()).take((one.metadata.name, one) for one in others)


def define(definition: CustomResourceDefinition) -> None:
    """Know, from now on, the kind of a definition that is about to be created, too. Raises ValueError for one without a
    storage version."""
    from podlab.kinds.custom.definition import resource_of

    wanted = CustomResourceDefinition()
    wanted.CopyFrom(definition)
    wanted.status.acceptedNames.CopyFrom(definition.spec.names)
    _kinds().add(resource_of(wanted))


def resource(kind: Kind) -> Resource:
    """What is known of a kind that was found before."""
    return known().resource(kind)


def known() -> Catalog:
    """The kinds that were found before."""
    return _kinds().catalog


def kind_of(message: Message) -> Kind:
    """What an object is of. Raises NotFound for a custom object whose kind nobody has asked for."""
    return known().kind_of(message) if isinstance(message, Custom) else kinds.of(message)


@cache
def _kinds() -> CurrentCatalog:
    return CurrentCatalog(builtin.catalog())


@cache
def _served() -> None:
    session.run(ask)
