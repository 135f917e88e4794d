"""``python -m local``: the platform, and Pulumi on it.

What not every command needs is imported by those that do: `pulumi` and `env` pay for no Kubernetes client.
"""

import json
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from local.environment import bypass_proxy, environment, export_lines
from local.instance import DEFAULT_INSTANCE, INSTANCES, Instance
from local.record import ForeignStorage
from local.stack import Stack
from toolchain.console import console
from toolchain.errors import UserError

__all__ = ["app"]

app = typer.Typer(
    help="The local platform (Kubernetes, OpenBao, PostgreSQL, External Secrets Operator), and Pulumi on it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

cluster = typer.Typer(
    help="A second cluster (a control plane without a node) beside the platform's own.", no_args_is_help=True
)
app.add_typer(cluster, name="cluster")

InstanceOption = Annotated[
    str,
    typer.Option(
        "--instance", envvar="LLM_GATEWAY_INSTANCE", metavar="NAME", help=f"One of: {', '.join(INSTANCES)}."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def _instance(name: str) -> Instance:
    instance = Instance.named(name)
    bypass_proxy(instance)
    return instance


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not os.isatty(0):
        raise UserError(f"{question} Nobody is there to answer: say --yes.")
    typer.confirm(question, abort=True, err=True)


@app.command("up")
def up(
    kubeconfig: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Use the cluster of this kubeconfig instead of a local node."),
    ] = None,
    storage: Annotated[
        ForeignStorage | None,
        typer.Option(help="With --kubeconfig: volumes of the cluster's default class, or none."),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=REFERENCE", help="With --kubeconfig: in place of a public image."),
    ] = None,
    name: InstanceOption = DEFAULT_INSTANCE,
) -> None:
    """Start the platform, or whatever of it doesn't run."""
    from local import up_down  # noqa: PLC0415 - see the module's docstring
    from local.foreign_platform import Request  # noqa: PLC0415 - the same

    if kubeconfig is None and (storage or image):
        raise UserError("--storage and --image go with --kubeconfig FILE: the local node has its own.")
    instance = _instance(name)
    request = Request(kubeconfig.absolute(), storage, image or []) if kubeconfig else None
    up_down.up(instance, request)
    _print_status(instance)


@app.command("down")
def down(
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete its data and everything kept for it, too.")
    ] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    name: InstanceOption = DEFAULT_INSTANCE,
) -> None:
    """Stop the platform; nothing of it is left but its data."""
    from local import up_down  # noqa: PLC0415 - see the module's docstring

    instance = _instance(name)
    cluster = up_down.removed_from_cluster(instance)
    if dry_run:
        for line in _down_plan(instance, cluster, purge=purge):
            typer.echo(line)
        return
    if cluster:
        _confirm(
            f"This removes the platform {name} with all its data from the cluster of {cluster}.", yes=yes
        )
    elif purge and up_down.purge_list(instance):
        _confirm(f"This deletes all data of the platform {name} in {instance.folder}.", yes=yes)
    was_there = up_down.down(instance, purge=purge)
    console.print(f"The platform {name} is down." if was_there else f"The platform {name} was not up.")


@app.command("status")
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    name: InstanceOption = DEFAULT_INSTANCE,
) -> None:
    """Show every part. Exit code 0: all up; 1: not all; 3: not running."""
    from local.status import platform_state, table_lines  # noqa: PLC0415 - see the module's docstring

    state, parts = platform_state(_instance(name))
    if as_json:
        typer.echo(
            json.dumps(
                {"instance": name, "state": state, "parts": [part.as_json() for part in parts]}, indent=1
            )
        )
    else:
        typer.echo("\n".join(table_lines(parts)) if parts else f"The platform {name} is not running.")
    raise typer.Exit(state.exit_code)


@app.command("logs")
def logs(
    part: Annotated[str, typer.Argument(metavar="NAME", help="A part as `status` names it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    name: InstanceOption = DEFAULT_INSTANCE,
) -> None:
    """Print the last lines of one part's log."""
    from local.logs import show_logs  # noqa: PLC0415 - see the module's docstring

    # The reader may have enough before we do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    show_logs(_instance(name), part, follow=follow)


@app.command("env")
def env(name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Print the environment of Pulumi, secrets included, for a shell: eval "$(python -m local env)"."""
    typer.echo("\n".join(export_lines(environment(_instance(name)))))


# `--help` too is the CLI's own.
@app.command(
    "pulumi",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def pulumi(context: typer.Context, name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Run the Pulumi CLI on this platform's stack: all arguments are its own."""
    raise typer.Exit(Stack.ready(_instance(name)).run(*context.args))


@app.command("prove")
def prove(name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Ask a chat completion with each virtual key, on a model that it may use and on one that it may not."""
    from local.prove import prove_keys  # noqa: PLC0415 - see the module's docstring

    typer.echo("\n".join(prove_keys(_instance(name))))


@app.command("revoke")
def revoke(yes: YesOption = False, name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Delete the virtual keys, and prove that no replica accepts one any more."""
    from local import teardown  # noqa: PLC0415 - see the module's docstring

    instance = _instance(name)
    _confirm(f"This deletes all virtual keys of the platform {name}.", yes=yes)
    typer.echo("\n".join(teardown.revoke(instance)))


@app.command("destroy")
def destroy(
    yes: YesOption = False, dry_run: DryRunOption = False, name: InstanceOption = DEFAULT_INSTANCE
) -> None:
    """Delete the stack: its virtual keys first, which are proven dead, then everything else."""
    from local import teardown  # noqa: PLC0415 - see the module's docstring

    instance = _instance(name)
    if dry_run:
        raise typer.Exit(teardown.preview_destroy(instance))
    _confirm(f"This deletes the gateway of the platform {name}, its keys and its secrets.", yes=yes)
    typer.echo("\n".join(teardown.revoke(instance)))
    teardown.destroy_rest(instance)


@cluster.command("up")
def cluster_up(name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Start the second cluster within the platform's node; it ends with it. Prints its kubeconfig's path."""
    from local import second_cluster  # noqa: PLC0415 - see the module's docstring

    typer.echo(second_cluster.bring_up(_instance(name)))


@cluster.command("down")
def cluster_down(name: InstanceOption = DEFAULT_INSTANCE) -> None:
    """Stop the second cluster and delete all that it keeps."""
    from local import second_cluster  # noqa: PLC0415 - see the module's docstring

    was_there = second_cluster.bring_down(_instance(name))
    console.print("The second cluster is gone." if was_there else "There was no second cluster.")


def _print_status(instance: Instance) -> None:
    from local.status import platform_state, table_lines  # noqa: PLC0415 - see the module's docstring

    _, parts = platform_state(instance)
    typer.echo("\n".join(table_lines(parts)))


def _down_plan(instance: Instance, cluster: str | None, *, purge: bool) -> list[str]:
    from local import up_down  # noqa: PLC0415 - see the module's docstring

    removal = f"remove the platform {instance.name} with its data from the cluster of {cluster}"
    plan = [removal if cluster else f"stop the node of the platform {instance.name}"]
    return plan + [f"delete {path}" for path in up_down.purge_list(instance) if purge]
