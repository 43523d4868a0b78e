"""`podlab certs`: every certificate's owner, use, issuer and end, those that end first before others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from podlab.cli import session
from podlab.cli.certs import reading
from podlab.cli.certs.found import Line, SeenCertificate, Unseen, lines, warnings
from podlab.cli.objects import printing
from podlab.client.client import Client
from podlab.client.config import cluster_name, state_directory
from podlab.errors import ApiError


class CertsOutput(StrEnum):
    JSON = "json"


def certs(
    output: Annotated[CertsOutput | None, typer.Option("--output", "-o", help="json: for programs.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only those in .podlab/<cluster>/pki.")] = False,
) -> None:
    """Show when certificates end, and who has them.

    \b
    They are those in .podlab/<cluster>/pki, and those that the cluster's ports show.
    Warns of those that end within 30 days, and of ports that show another one than this machine has made.
    """
    kept = list(reading.kept(state_directory(cluster_name()) / "pki"))
    shown, unseen = ([], []) if offline else _live()
    found = lines([*kept, *shown], datetime.now(UTC))
    typer.echo(_json(found) if output is CertsOutput.JSON else "\n".join(table(found)))
    for warning in warnings(found, unseen):
        typer.echo(f"warning: {warning}", err=True)


def _live() -> tuple[list[SeenCertificate], list[Unseen]]:
    """What the cluster shows; nothing, and the reason on stderr, where its API server does not answer."""

    async def ask(client: Client) -> list[SeenCertificate | Unseen]:
        return await reading.shown(await reading.listening(client))

    try:
        answers = session.run(ask)
    except ApiError as error:
        typer.echo(f"warning: the cluster was not asked which certificates it shows: {error}", err=True)
        return [], []
    return [each for each in answers if isinstance(each, SeenCertificate)], [
        each for each in answers if isinstance(each, Unseen)
    ]


def table(found: Iterable[Line]) -> list[str]:
    """A line for each certificate."""
    rows = [("OWNER", "USE", "ISSUER", "EXPIRES", "DAYS", "WHERE", "NOTE")]
    rows += [
        (
            line.owner,
            line.use,
            line.issuer,
            f"{line.expires:%Y-%m-%d %H:%M}",
            str(line.days_left),
            ",".join(line.places),
            line.note,
        )
        for line in found
    ]
    return printing.aligned(rows)


def _json(found: Iterable[Line]) -> str:
    items = [
        {
            "owner": line.owner,
            "use": line.use,
            "issuer": line.issuer,
            "expires": line.expires.isoformat(),
            "daysLeft": line.days_left,
            "places": line.places,
            "note": line.note,
        }
        for line in found
    ]
    return json.dumps(items, indent=2)
