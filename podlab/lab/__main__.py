"""`python -m podlab.lab`: the lab commands without the rest of the CLI."""

from podlab.lab.cli import app

app()
