"""The base image: made once, kept in the cache, lower layer of every host's root."""

import os
import shutil
from pathlib import Path

from podlab.deploy import debian
from podlab.lab.command import run
from podlab.lab.errors import LabError
from podlab.lab.host.recipe import FILES, LINKS, REMOVED, Recipe
from podlab.lab.lock import locked
from podlab.lab.paths import CACHE

CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUILD_WITHIN_S = 900.0


def recipe_here(suite: str) -> Recipe:
    """The recipe that this machine's apt settings and own certificate authorities give."""
    targets = run(["apt-get", "indextargets", "--format", debian.INDEX_FORMAT, "Created-By: Packages"])
    return Recipe(
        suite=suite,
        sources=debian.sources(targets, suite),
        apt_options=debian.apt_options(run(["apt-config", "dump"]), dict(os.environ)),
        certificates=tuple((str(path), path.read_text()) for path in sorted(CERTIFICATES.glob("*.crt"))),
    )


def ensure(suite: str = debian.DEFAULT_SUITE, cache: Path = CACHE) -> Path:
    """The base image's directory, made now if the cache does not hold it."""
    recipe = recipe_here(suite)
    image = cache / f"base-{recipe.digest}"
    if image.is_dir():
        return image
    with locked(cache / "lock", "the base image"):
        if not image.is_dir():
            _build(recipe, image)
    return image


def _build(recipe: Recipe, image: Path) -> None:
    partial = image.with_suffix(".partial")
    _clear(partial)
    try:
        run(recipe.mmdebstrap(str(partial)), timeout_s=BUILD_WITHIN_S)
        _finish(partial)
    except LabError as error:
        _clear(partial)
        raise LabError(f"base image {image.name} cannot be made: {error}") from error
    partial.rename(image)


def _finish(root: Path) -> None:
    """Add our settings, and take out what must differ between hosts."""
    for pattern in REMOVED:
        for path in root.glob(pattern):
            if path.is_file():
                path.unlink()
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)


def _clear(partial: Path) -> None:
    if partial.exists():
        shutil.rmtree(partial)
