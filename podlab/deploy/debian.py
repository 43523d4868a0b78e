"""Debian's releases, and where this machine gets their packages. Pure: it reads what apt tells of its settings."""

from dataclasses import dataclass
from typing import Final

INDEX_FORMAT: Final = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
"""What `sources` reads: `apt-get indextargets --format FORMAT "Created-By: Packages"`."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A release of Debian: its number, and its Python as wheels are tagged with it."""

    version: str
    python: str


SUITES: Final = {"bookworm": Suite(version="12", python="cp311"), "trixie": Suite(version="13", python="cp313")}
DEFAULT_SUITE: Final = "bookworm"

# Settings of this machine's apt that decide whether apt can reach the mirror at all.
APT_SETTINGS: Final = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


def sources(targets: str, suite: str) -> tuple[str, ...]:
    """This machine's own Debian mirrors for the suite, from what apt says of its indexes (INDEX_FORMAT).

    A machine of another suite has the same mirrors, which have that suite, too. None, where it runs something else.
    """
    found: dict[str, list[str]] = {}
    for line in targets.splitlines():
        origin, uri, release, component = line.split("|")
        own, dash, pocket = release.partition("-")
        if origin == "Debian" and component == "main" and own in SUITES:
            found.setdefault(own, []).append(f"deb {uri} {suite}{dash}{pocket} {component}")
    lines = found.get(suite) or next(iter(found.values()), [])
    return tuple(dict.fromkeys(lines))


def apt_options(dump: str, environment: dict[str, str]) -> tuple[str, ...]:
    """The settings to repeat elsewhere, from `apt-config dump`, and from the proxy variables that apt obeys."""
    wanted = [line for line in dump.splitlines() if line.split(" ")[0] in APT_SETTINGS and not line.endswith('"";')]
    for scheme in ("http", "https"):
        setting = f"Acquire::{scheme}::Proxy"
        if (proxy := environment.get(f"{scheme}_proxy")) and not any(line.startswith(setting) for line in wanted):
            wanted.append(f'{setting} "{proxy}";')
    return tuple(wanted)
