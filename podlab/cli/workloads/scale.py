"""`podlab scale`: how many pods a workload has."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.cli import discovery, failures, session
from podlab.cli.objects import targets
from podlab.cli.objects.retry import rewrite
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Resources
from podlab.client.client import Client
from podlab.kinds import builtin
from podlab.kinds.scaling import Scaling
from podlab.kinds.subresource import SCALE


def scale(
    replicas: Annotated[int, typer.Option(help="How many pods there shall be.", min=0)],
    resources: Resources = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
) -> None:
    """Set the number of pods.

    \b
    podlab scale deployment web --replicas 3
    """
    wanted = targets.parse(resources or (), discovery.served)
    for target in wanted:
        if not target.name:
            raise failures.CommandError(f"say which of the {target.kind.plural}: KIND NAME or KIND/NAME")
        if discovery.resource(target.kind).subresource(SCALE.name) is not SCALE:
            catalog = builtin.catalog()
            can = ", ".join(kind.plural for kind in catalog.stored if catalog.is_scalable(kind.group_kind))
            can = f"{can}, and custom kinds that say how, can"
            raise failures.CommandError(f"a {target.kind.name} cannot be scaled: {can}")
    session.run(lambda client: _scale_all(client, wanted, namespace, replicas), field_manager="podlab-scale")


async def _scale_all(client: Client, wanted: Sequence[Target], namespace: str, replicas: int) -> None:
    for target in wanted:
        scaling = discovery.resource(target.kind).scaling

        def scaled(live: Message, scaling: Scaling = scaling) -> Message:
            scaling.set_replicas(live, replicas)
            return live

        inside = namespace if target.kind.namespaced else ""
        await rewrite(client, target.kind, target.name, inside, scaled)
        typer.echo(f"{target} scaled")
