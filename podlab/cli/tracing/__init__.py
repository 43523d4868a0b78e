"""`podlab trace`: what becomes of a name or a packet, step by step."""

import typer

from podlab.cli.tracing import name, packets

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Follow a name or a packet, step by step."
)


@app.callback()
def trace() -> None:
    """Follow a name or a packet, step by step."""


app.command("name")(name.trace_name)
app.command("service")(packets.trace_service)
app.command("pod")(packets.trace_pod)
