"""Commands whose modules are loaded only when they are used: `podlab get` must start at once, whatever others need."""

from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


class LazyCommand(TyperCommand):
    """Stands in the list of commands for a function of another module, or for its Typer app, which has several."""

    def __init__(self, name: str, at: str, help: str) -> None:  # noqa: A002  # Typer's own word
        """`at` is MODULE:FUNCTION, or MODULE for the `app` in it; `help` the first line of the command's own."""
        super().__init__(name=name, callback=None, help=help)
        self.at = at

    def load(self) -> Any:
        """The command itself. A group of its own stays one; a single command takes this one's name."""
        module, _, function = self.at.partition(":")
        found = getattr(import_module(module), function or "app")
        app = found if isinstance(found, typer.Typer) else _app_of(found)
        app.rich_markup_mode = None  # as the root has it, once for all
        command = typer.main.get_command(app)
        command.name = self.name
        return command


def _app_of(function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return app


class Root(TyperGroup):
    """The root command. `sections` are its commands as its help groups them."""

    sections: dict[str, tuple[LazyCommand, ...]]

    def take(self, sections: dict[str, tuple[LazyCommand, ...]]) -> None:
        self.sections = sections
        for each in sections.values():
            for one in each:
                self.add_command(one)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """In their sections; no line is cut off."""
        for title, each in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(one.name, one.help) for one in each])
