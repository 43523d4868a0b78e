"""`python -m podlab.verify`, as the Ansible role and make call it."""

from podlab.verify.cli import app

if __name__ == "__main__":
    app(prog_name="podlab verify")
