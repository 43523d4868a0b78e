from dataclasses import replace

import pytest

from podlab.lab.host.recipe import PACKAGES, Recipe

RECIPE = Recipe(
    suite="bookworm",
    sources=("deb http://mirror/debian bookworm main",),
    apt_options=(),
    certificates=(("/ca.crt", "A"),),
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECIPE, suite="trixie"),
        replace(RECIPE, sources=()),
        replace(RECIPE, apt_options=('Acquire::Check-Date "false";',)),
        replace(RECIPE, certificates=(("/ca.crt", "B"),)),
    ],
)
def test_an_image_made_of_something_else_has_another_digest(changed: Recipe) -> None:
    assert changed.digest != RECIPE.digest
    assert replace(changed) == changed
    assert replace(changed).digest == changed.digest


def test_the_image_is_made_of_the_listed_packages_only() -> None:
    command = RECIPE.mmdebstrap("/target")
    assert "--variant=minbase" in command
    assert f"--include={','.join(PACKAGES)}" in command
    assert command[-3:] == ["bookworm", "/target", "deb http://mirror/debian bookworm main"]
