"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from podlab.cli import completion

DEFAULT_NAMESPACE = "default"


class Output(StrEnum):
    WIDE = "wide"
    YAML = "yaml"
    JSON = "json"
    NAME = "name"


class DryRun(StrEnum):
    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        help="The objects' namespace; `default` when none is named.",
        show_default=False,
        autocompletion=completion.namespaces,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Look in every namespace.")]
Selector = Annotated[
    str, typer.Option("--selector", "-l", help="Only what carries these labels: app=web,tier in (a,b),!old")
]
OutputFormat = Annotated[Output | None, typer.Option("--output", "-o", help="Another form than the table.")]
Files = Annotated[
    list[str] | None,
    typer.Option("--filename", "-f", help="A manifest, a directory of them, or - for standard input.", metavar="FILE"),
]
Resources = Annotated[
    list[str] | None,
    typer.Argument(
        help="KIND [NAME...], KIND/NAME..., or several kinds: pods,svc", autocompletion=completion.resources
    ),
]
Pod = Annotated[str, typer.Argument(help="POD, or KIND/NAME for a pod of it.", autocompletion=completion.pods)]
Container = Annotated[str, typer.Option("--container", "-c", help="The container; the first one by default.")]
Timeout = Annotated[float, typer.Option("--timeout", help="Give up waiting after so many seconds.", min=0)]
DryRunOption = Annotated[
    DryRun, typer.Option("--dry-run", help="client: only print the object; server: check everything, store nothing.")
]
ArchivePath = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OCI or Docker archive.")]
