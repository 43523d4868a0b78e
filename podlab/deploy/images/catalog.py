"""The images that Podlab makes itself, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from podlab.deploy.images.archive import Image, archive
from podlab.deploy.images.busybox import PROGRAM, Busybox, read_busybox
from podlab.deploy.images.layer import Directory, Entry, File, layer
from podlab.deploy.images.pause import needs_shell, pause_program

HELLO_PORT: Final = 8080


@dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    """How one image is made; `file_name` is its archive's name in an output directory."""

    name: str
    file_name: str
    make: Callable[[str, Busybox], Image]


class UnknownImageError(Exception):
    """Asked for an image that Podlab does not make."""


def build(name: str, output: Path, busybox: Path = PROGRAM) -> Path:
    """Write the archive of the image `name` into the directory `output` and return its path. It is for the machine of
    the busybox.

    A file that already has the right content is left untouched, so that its time shows when the image last changed.
    """
    try:
        recipe = IMAGES[name]
    except KeyError:
        raise UnknownImageError(f"there is no image {name!r}; there are {', '.join(IMAGES)}") from None
    content = archive(recipe.make(recipe.name, read_busybox(busybox)))
    path = output / recipe.file_name
    if not path.exists() or path.read_bytes() != content:
        output.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path


def _pause(name: str, busybox: Busybox) -> Image:
    architecture = busybox.architecture
    entries: list[Entry] = [File(path="pause", content=pause_program(architecture), mode=0o755)]
    if needs_shell(architecture):
        entries.extend(busybox.entries())
    return Image(name=name, architecture=architecture, layers=[layer(entries)], entrypoint=["/pause"])


def _hello(name: str, busybox: Busybox) -> Image:
    scripts = files("podlab.deploy.images").joinpath("hello")
    server: list[Entry] = [
        Directory(path="hello"),
        *(
            File(path=f"hello/{script}", content=scripts.joinpath(script).read_bytes(), mode=0o755)
            for script in ("serve", "answer")
        ),
    ]
    return Image(
        name=name,
        architecture=busybox.architecture,
        layers=[layer(busybox.entries()), layer(server)],
        entrypoint=["/hello/serve"],
        environment={"PATH": "/bin", "VERSION": name.rpartition(":")[2]},
        ports=[HELLO_PORT],
    )


IMAGES: Final[Mapping[str, ImageRecipe]] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            ImageRecipe(name="podlab.local/pause:1", file_name="pause-1.tar", make=_pause),
            ImageRecipe(name="podlab.local/hello:1.0", file_name="hello-1.0.tar", make=_hello),
            ImageRecipe(name="podlab.local/hello:1.1", file_name="hello-1.1.tar", make=_hello),
        )
    }
)
