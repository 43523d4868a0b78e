"""`podlab doctor`: tries what should work, and says what does not."""

import typer

from podlab.cli.doctor import network
from podlab.deploy.doctor import cli as hosts

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Say what is wrong with the cluster and its hosts, the worst first.",
)


@app.callback()
def doctor(ctx: typer.Context) -> None:
    """Say what is wrong with the cluster and its hosts, the worst first.

    Without a command it is `doctor hosts`, with the cluster's own inventory. `doctor network` tries ways between pods.
    """
    if ctx.invoked_subcommand is None:
        hosts.tell([], hosts.DoctorOutput.TEXT)


app.command("hosts", cls=hosts.DoctorHosts)(hosts.doctor_hosts)
app.command("network")(network.doctor_network)
