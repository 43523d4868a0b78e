"""`podlab`: the commands, and the border where errors become messages and exit codes.

Exit codes: 0 done; 1 it failed, and stderr says why; 2 the command line is wrong; `exec` passes the command's own on.
"""

import locale
import os
import sys
import traceback
from typing import Annotated

import typer
import typer.main

from podlab.cli.lazy import LazyCommand, Root

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
SECTIONS = {
    "Objects": (
        LazyCommand("get", "podlab.cli.objects.get:get", "Show objects."),
        LazyCommand("describe", "podlab.cli.describe.command:describe", "Tell all about objects, with their events."),
        LazyCommand("apply", "podlab.cli.objects.apply:apply", "Create or change what manifests describe."),
        LazyCommand("create", "podlab.cli.objects.create", "Create objects from manifests or from a few words."),
        LazyCommand("delete", "podlab.cli.objects.delete:delete", "Delete objects, and wait until they are gone."),
    ),
    "Workloads": (
        LazyCommand("scale", "podlab.cli.workloads.scale:scale", "Set the number of pods."),
        LazyCommand(
            "rollout", "podlab.cli.workloads.rollout", "Follow, list, take back, pause or repeat a workload's rollout."
        ),
        LazyCommand("why", "podlab.cli.scheduling.why:why", "Explain why a pod is where it is, or nowhere."),
        LazyCommand("trace", "podlab.cli.tracing", "Follow a name or a packet, step by step."),
        LazyCommand(
            "timeline",
            "podlab.cli.timeline.command:timeline",
            "Show where the time went from a pod's creation until it is ready and reached.",
        ),
        LazyCommand("top", "podlab.cli.nodes.top", "Show what nodes and pods use."),
    ),
    "Pods": (
        LazyCommand("logs", "podlab.cli.pods.logs:logs", "Show a container's log."),
        LazyCommand("exec", "podlab.cli.pods.execute:execute", "Run a command in a container."),
        LazyCommand("attach", "podlab.cli.pods.attach:attach", "Join the streams of a container that runs."),
        LazyCommand(
            "port-forward",
            "podlab.cli.pods.portforward:port_forward",
            "Forward ports of this machine to a pod, until interrupted.",
        ),
        LazyCommand(
            "export",
            "podlab.cli.images.exporting:export_container",
            "Write a container's file system as a tar archive, without what is mounted there.",
        ),
    ),
    "Nodes": (
        LazyCommand("cordon", "podlab.cli.nodes.drain:cordon", "Let no more pods come to a node."),
        LazyCommand("uncordon", "podlab.cli.nodes.drain:uncordon", "Let pods come to a node again."),
        LazyCommand(
            "drain",
            "podlab.cli.nodes.drain:drain",
            "Empty a node: no more pods come, and those that are there are evicted.",
        ),
        LazyCommand(
            "image", "podlab.cli.images.commands", "Build, list, send, pull, push and remove images of the nodes."
        ),
    ),
    "Cluster": (
        LazyCommand(
            "cluster-info",
            "podlab.cli.info:cluster_info",
            "Show where the cluster is, who we are to it, and how its nodes are.",
        ),
        LazyCommand(
            "info",
            "podlab.cli.info:info",
            "Show which release each API server and each node runs, and when the store was last backed up.",
        ),
        LazyCommand("api-resources", "podlab.cli.info:api_resources", "List the kinds of objects."),
        LazyCommand("version", "podlab.cli.info:version", "Show the versions of this command and of the server."),
        LazyCommand("certs", "podlab.cli.certs.command:certs", "Show when certificates end, and who has them."),
        LazyCommand(
            "console",
            "podlab.cli.console:console",
            "Look at clusters in a browser, and work with them, until interrupted.",
        ),
        LazyCommand("kubeconfig", "podlab.cli.kubeconfig:kubeconfig", "Write a kubeconfig for kubectl and others."),
    ),
    "Hosts": (
        LazyCommand(
            "init",
            "podlab.cli.hosts.commands:init_app",
            "Write an inventory to fill in (podlab init inventory/), or make a cluster of one host (podlab init HOST).",
        ),
        LazyCommand(
            "join", "podlab.cli.hosts.commands:join_app", "Add a host as a node to a cluster of `podlab init`."
        ),
        LazyCommand(
            "up",
            "podlab.cli.hosts.commands:up_app",
            "Deploy what an inventory says, or a lab on this machine with an example application on it.",
        ),
        LazyCommand("playbook", "podlab.cli.hosts.commands:playbook_app", "Run one of Podlab's playbooks by its name."),
        LazyCommand("lab", "podlab.lab.cli", "Local lab hosts: small Debian systems that stand in for VMs."),
        LazyCommand(
            "preflight",
            "podlab.deploy.preflight.cli",
            "Check the hosts of an inventory, without changing them, over whatever Ansible connects with.",
        ),
        LazyCommand(
            "doctor", "podlab.cli.doctor", "Say what is wrong with the cluster and its hosts, the worst first."
        ),
        LazyCommand(
            "verify",
            "podlab.deploy.verify.cli",
            "Check services, ports, runtime, files, clocks, nodes, pods and Services of a deployed cluster.",
        ),
        LazyCommand(
            "support-bundle",
            "podlab.deploy.support.cli",
            "Collect logs, rules, states, versions and settings of all hosts in one archive, without secrets.",
        ),
    ),
}


@app.callback()
def root(
    cluster: Annotated[
        str, typer.Option("--cluster", envvar="PODLAB_CLUSTER", help="The cluster, by its directory in .podlab.")
    ] = "lab",
) -> None:
    """Work with a Podlab cluster, the way kubectl does."""
    # Commands of other packages, and what they start, look for it there.
    os.environ["PODLAB_CLUSTER"] = cluster
    if not speaks_utf8():
        os.environ["LC_ALL"] = "C.UTF-8"  # Ansible, which some of them start, refuses to run without


def speaks_utf8() -> bool:
    """Whether the environment's locale exists here and its encoding is UTF-8."""
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return False
    return locale.nl_langinfo(locale.CODESET) == "UTF-8"


def command() -> Root:
    """The root command with all commands in it."""
    made = typer.main.get_command(app)
    assert isinstance(made, Root)
    made.take(SECTIONS)
    return made


def main() -> None:
    """The console script."""
    try:
        code = command()(prog_name="podlab", args=hoisted(plain_flags(sys.argv[1:])), standalone_mode=False)
    except typer.TyperException as error:
        print(usage(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("PODLAB_DEBUG"):
            traceback.print_exc()
        from podlab.cli.failures import message  # loads gRPC, which `--help` does without

        print(message(error), file=sys.stderr)
        sys.exit(1)
    sys.exit(code)


def usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, in kubectl's form; the help itself when there is nothing on it."""
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is not None and error.message == context.get_help():
        return str(error.message)
    where = context.command_path if context else "podlab"
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
