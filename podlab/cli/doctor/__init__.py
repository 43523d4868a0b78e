"""`podlab doctor`: tries what should work, and says what does not."""

import typer

from podlab.cli.doctor import network

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Try what should work, and say what does not.",
)


@app.callback()
def doctor() -> None:
    """Try what should work, and say what does not."""


app.command("network")(network.doctor_network)
