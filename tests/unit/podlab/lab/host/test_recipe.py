from dataclasses import replace

import pytest

from podlab.lab.host.recipe import PACKAGES, Recipe, apt_options, sources

TARGETS = """\
Debian|http://mirror/debian/|bookworm|main
Debian|http://mirror/debian/|bookworm|contrib
Debian|http://mirror/debian/|bookworm-updates|main
Debian|http://mirror/debian/|trixie|main
Docker|https://elsewhere/linux/debian/|bookworm|stable
$(ORIGIN)|https://broken/|bookworm|main
Debian|http://mirror/debian/|bookworm|main
"""
DUMP = """\
APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy:3128";
Acquire::https::Proxy "";
Acquire::Check-Valid-Until "false";
Acquire::http::Proxy::host "DIRECT";
"""
RECIPE = Recipe(sources=("deb http://mirror/debian bookworm main",), apt_options=(), certificates=(("/ca.crt", "A"),))


def test_only_debians_own_sources_for_the_suite_are_taken_over() -> None:
    assert sources(TARGETS) == (
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/debian/ bookworm-updates main",
    )


def test_settings_without_which_apt_cannot_reach_the_mirror_are_taken_over() -> None:
    assert apt_options(DUMP, {}) == (
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::Check-Valid-Until "false";',
    )


def test_a_proxy_from_the_environment_counts_where_apt_has_none() -> None:
    options = apt_options(DUMP, {"http_proxy": "http://other", "https_proxy": "http://secure"})
    assert 'Acquire::https::Proxy "http://secure";' in options
    assert not any("other" in option for option in options)


@pytest.mark.parametrize(
    "changed",
    [
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
