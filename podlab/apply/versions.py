"""What is known of the versions that a kind's objects are written in."""

from __future__ import annotations

from typing import Protocol

from podlab.api.values.jsonvalues import Json
from podlab.shapes.shape import Shape


class MissingVersion(Exception):
    """Nobody serves the version any more."""


class Versions(Protocol):
    """Converts one object between the versions of its kind."""

    def shape(self, api_version: str) -> Shape | None:
        """That of objects of the version. Raises MissingVersion."""
        ...

    def convert(self, value: Json, source: str, target: str) -> Json:
        """An object of one version in another. Raises MissingVersion."""
        ...
