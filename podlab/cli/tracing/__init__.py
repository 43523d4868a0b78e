"""`podlab trace`: what a pod would do, step by step."""

import typer

from podlab.cli.tracing import name

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Follow what a pod would do, step by step."
)


@app.callback()
def trace() -> None:
    """Follow what a pod would do, step by step."""


app.command("name")(name.trace_name)
