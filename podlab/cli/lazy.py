"""Commands whose modules are loaded only when they are used: the root's help and `get` must start at once."""

from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


class LazyCommand(TyperCommand):
    """Stands in the list of commands for the Typer app of another module."""

    def __init__(self, name: str, module: str, help: str) -> None:  # noqa: A002  # Typer's own word
        super().__init__(name=name, callback=None, help=help)
        self.module = module

    def load(self) -> Any:
        """The command itself. A group of its own stays one; a single command takes this one's name."""
        app = import_module(self.module).app
        app.rich_markup_mode, app._add_completion = None, False  # as the root has them, once for all
        command = typer.main.get_command(app)
        command.name = self.name
        return command


class Root(TyperGroup):
    """The root command. Put lazy commands into it with `add_command`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest
