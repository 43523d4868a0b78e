"""Objects of kinds that are defined by the same manifests: they wait until the server serves their kind."""

import asyncio
from collections.abc import Sequence

from podlab.api import definitions
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.cli.failures import CommandError
from podlab.cli.objects.manifests import Source
from podlab.client.client import Client

WITHIN_S = 30.0
_LOOKED_AT_EVERY_S = 0.05


def defines(sources: Sequence[Source], source: Source) -> bool:
    """Whether one of these is the definition of the object's kind."""
    return _definition(sources, source) is not None


async def established(client: Client, source: Source, sources: Sequence[Source], within_s: float = WITHIN_S) -> None:
    """Returns once the object's kind is served, if it is one of those that these define. Raises CommandError when that
    takes too long, and NotFound when there is no such definition."""
    definition = _definition(sources, source)
    if definition is None:
        return
    name, told = definition.metadata.name, "the server has not answered"
    try:
        async with asyncio.timeout(within_s):
            while True:
                found = await client.get(CustomResourceDefinition, name)
                if definitions.is_true(found, definitions.ESTABLISHED):
                    return
                told = "; ".join(f"{one.type} is {one.status}: {one.message}" for one in found.status.conditions)
                await asyncio.sleep(_LOOKED_AT_EVERY_S)
    except TimeoutError as error:
        raise CommandError(f"{source}: its kind is not served after {within_s:g} s: {name}: {told}") from error


def _definition(sources: Sequence[Source], source: Source) -> CustomResourceDefinition | None:
    if not isinstance(source.message, Custom):
        return None
    for one in sources:
        found = one.message
        if isinstance(found, CustomResourceDefinition) and (
            (found.spec.group, found.spec.names.kind) == source.kind.group_kind
        ):
            return found
    return None
