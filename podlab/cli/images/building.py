"""`podlab image build`: a Dockerfile or Containerfile, by Debian's buildah on this machine, for nodes or a registry.

https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from podlab.api.values import imagenames
from podlab.cli.failures import CommandError
from podlab.cli.images import sending
from podlab.cli.images.targets import Nodes

_FILES = ("Containerfile", "Dockerfile")
# RUN works for root everywhere, also where containers cannot be nested.
_ISOLATION = "chroot"


def build(
    context: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="What COPY copies from.", exists=True, file_okay=False)
    ],
    tag: Annotated[str, typer.Option("--tag", "-t", help="[REGISTRY/]NAME[:TAG].")],
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="The Containerfile or Dockerfile; that in DIRECTORY by default.")
    ] = None,
    build_arg: Annotated[
        list[str] | None, typer.Option("--build-arg", metavar="NAME=VALUE", help="A value for an ARG.")
    ] = None,
    target: Annotated[str, typer.Option(help="The stage to stop at.")] = "",
    node: Nodes = None,
) -> None:
    """Build an image and give it to the nodes: podlab image build -t web:1 ."""
    name = checked(tag, build_arg or ())
    if shutil.which("buildah") is None:
        raise CommandError(
            "buildah is not installed here: `apt install buildah`; or build where it is, and"
            " `podlab image import` what `buildah push NAME oci-archive:FILE` writes"
        )
    recipe = file or _recipe(context)
    with tempfile.TemporaryDirectory(prefix="podlab-build-") as directory:
        archive = Path(directory) / "image.tar"
        _buildah(build_words(context, recipe, name, build_arg or (), target))
        _buildah(["push", "--quiet", name, f"oci-archive:{archive}:{name}"])
        sending.send(archive, name, node)


def checked(tag: str, build_args: Sequence[str]) -> str:
    """The image's full name. Raises CommandError."""
    for each in build_args:
        if "=" not in each:
            raise CommandError(f"--build-arg: Invalid value: {each!r}: write NAME=VALUE")
    try:
        return imagenames.normalized(tag)
    except ValueError as error:
        raise CommandError(f"--tag: Invalid value: {error}") from error


def build_words(context: Path, recipe: Path, name: str, build_args: Sequence[str], target: str) -> list[str]:
    """buildah's command line."""
    arguments = [word for each in build_args for word in ("--build-arg", each)]
    stage = ["--target", target] if target else []
    isolation = os.environ.get("BUILDAH_ISOLATION") or _ISOLATION
    options = ["--layers", "--isolation", isolation, "--file", str(recipe), "--tag", name]
    return ["build", *options, *arguments, *stage, str(context)]


def _recipe(context: Path) -> Path:
    for name in _FILES:
        if (context / name).is_file():
            return context / name
    raise CommandError(f"DIRECTORY: Invalid value: {context} has no {' and no '.join(_FILES)}: name one with --file")


def _buildah(words: Sequence[str]) -> None:
    """What it prints goes to stderr: each step as it is done. Raises CommandError."""
    done = subprocess.run(["buildah", *words], stdout=2, check=False)
    if done.returncode != 0:
        raise CommandError(f"`buildah {words[0]}` failed with exit code {done.returncode}; its own words stand above")
