"""`podlab scale`: how many pods a workload has."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.cli import failures, session
from podlab.cli.objects import targets
from podlab.cli.objects.retry import rewrite
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Resources
from podlab.client.client import Client
from podlab.kinds import builtin


def scale(
    replicas: Annotated[int, typer.Option(help="How many pods there shall be.", min=0)],
    resources: Resources = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
) -> None:
    """Set the number of pods.

    \b
    podlab scale deployment web --replicas 3
    """
    wanted, catalog = targets.parse(resources or ()), builtin.catalog()
    for target in wanted:
        if not target.name:
            raise failures.CommandError(f"say which of the {target.kind.plural}: KIND NAME or KIND/NAME")
        if not catalog.is_scalable(target.kind.group_kind):
            can = ", ".join(kind.plural for kind in catalog.stored if catalog.is_scalable(kind.group_kind))
            raise failures.CommandError(f"a {target.kind.name} cannot be scaled: {can} can")
    session.run(lambda client: _scale_all(client, wanted, namespace, replicas), field_manager="podlab-scale")


async def _scale_all(client: Client, wanted: Sequence[Target], namespace: str, replicas: int) -> None:
    def scaled(live: Message) -> Message:
        live.spec.replicas = replicas  # type: ignore[attr-defined]
        return live

    for target in wanted:
        await rewrite(client, target.kind.message, target.name, namespace, scaled)
        typer.echo(f"{target} scaled")
