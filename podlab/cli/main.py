"""`podlab`: the commands, and the border where errors become messages and exit codes.

Exit codes: 0 done; 1 it failed, and stderr says why; 2 the command line is wrong; `exec` passes the command's own on.
"""

import os
import sys
import traceback
from typing import Annotated

import typer
import typer.main
from typer._click.exceptions import NoArgsIsHelpError, UsageError

from podlab.cli import create, image, info, rollout, top
from podlab.cli.apply import apply
from podlab.cli.attach import attach
from podlab.cli.delete import delete
from podlab.cli.describe.command import describe
from podlab.cli.execute import execute
from podlab.cli.failures import message
from podlab.cli.get import get
from podlab.cli.kubeconfig import kubeconfig
from podlab.cli.lazy import LazyCommand, Root
from podlab.cli.logs import logs
from podlab.cli.portforward import port_forward
from podlab.cli.scale import scale
from podlab.cli.why import why

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Work with a Podlab cluster, the way kubectl does.",
)

# Flags that are on unless they are turned off.
ON_BY_DEFAULT = ("--wait",)
LAZY = (
    LazyCommand("lab", "podlab.lab.cli", "Local lab hosts: small Debian systems that stand in for VMs."),
    LazyCommand("preflight", "podlab.preflight.cli", "Check all hosts of an inventory before a cluster goes there."),
    LazyCommand("verify", "podlab.verify.cli", "Prove on the hosts what a playbook deployed."),
)


@app.callback()
def root(
    cluster: Annotated[
        str, typer.Option("--cluster", envvar="PODLAB_CLUSTER", help="The cluster, by its directory in .podlab.")
    ] = "lab",
) -> None:
    """Work with a Podlab cluster, the way kubectl does."""
    # Commands of other packages, and what they start, look for it there.
    os.environ["PODLAB_CLUSTER"] = cluster


for function in (get, describe, apply, delete, logs, scale, why, kubeconfig, info.version):
    app.command()(function)
app.command("exec")(execute)
app.command("attach")(attach)
app.command("port-forward")(port_forward)
app.command("api-resources")(info.api_resources)
app.command("cluster-info")(info.cluster_info)
app.add_typer(create.app, name="create")
app.add_typer(rollout.app, name="rollout")
app.add_typer(top.app, name="top")
app.add_typer(image.app, name="image")


def command() -> Root:
    """The root command with all commands in it."""
    made = typer.main.get_command(app)
    assert isinstance(made, Root)
    for lazy in LAZY:
        made.add_command(lazy)
    return made


def main() -> None:
    """The console script."""
    try:
        code = command()(prog_name="podlab", args=hoisted(plain_flags(sys.argv[1:])), standalone_mode=False)
    except UsageError as error:
        print(usage(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("PODLAB_DEBUG"):
            traceback.print_exc()
        print(message(error), file=sys.stderr)
        sys.exit(1)
    sys.exit(code)


def usage(error: UsageError) -> str:
    """What is wrong with the command line, in kubectl's form; the help itself when there is nothing on it."""
    if isinstance(error, NoArgsIsHelpError):
        return str(error.message)
    where = error.ctx.command_path if error.ctx else "podlab"
    # The first words are those of the library that reads the values.
    return f"error: {error.format_message().replace('Value error, ', '')}\nSee '{where} --help' for usage."


def plain_flags(arguments: list[str]) -> list[str]:
    """kubectl's `--flag=true` and `--flag=false` as the flags that they mean, before `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    plain: list[str] = []
    for argument in arguments[:end]:
        flag, _, value = argument.partition("=")
        if not flag.startswith("--") or value not in ("true", "false"):
            plain.append(argument)
        elif value == "true":
            plain.append(flag)
        elif flag in ON_BY_DEFAULT:
            plain.append(f"--no-{flag.removeprefix('--')}")
    return [*plain, *arguments[end:]]


def hoisted(arguments: list[str]) -> list[str]:
    """`--cluster NAME` may stand anywhere before `--`: it is moved to the front, where the root command reads it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    own = iter(arguments[:end])
    for argument in own:
        if argument == "--cluster":
            front += [argument, *([value] if (value := next(own, None)) is not None else [])]
        elif argument.startswith("--cluster="):
            front.append(argument)
        else:
            rest.append(argument)
    return [*front, *rest, *arguments[end:]]


if __name__ == "__main__":
    main()
