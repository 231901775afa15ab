"""`berth` and `kubectl berth`. Imports of the operator are made when it is started: other verbs answer at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from berth import __version__
from berth.cli.explain import explanation
from berth.cli.read import Unreadable, objects

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Berth places workloads as pods, sandboxed pods or virtual machines, by policy, and says why.",
)


def _version(asked: bool) -> None:  # noqa: FBT001  typer's callback
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Berth places workloads by policy and says why."""


@app.command()
def operator(
    *,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig file, instead of BERTH_KUBECONFIG or the pod's own account.")
    ] = None,
) -> None:
    """Run one replica of the operator until it is told to stop. Settings: environment variables BERTH_*."""
    from berth.app.operator import run  # noqa: PLC0415
    from berth.app.settings import Settings  # noqa: PLC0415

    _run(Settings, run, kubeconfig)


@app.command()
def preview(
    *,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig file, instead of BERTH_KUBECONFIG or the pod's own account.")
    ] = None,
) -> None:
    """Answer dry-runs with what would come of them, as a webhook that only warns. Settings: variables BERTH_*."""
    from berth.app.preview.server import run  # noqa: PLC0415
    from berth.app.settings import PreviewSettings  # noqa: PLC0415

    _run(PreviewSettings, run, kubeconfig)


def _run(settings_of: Any, process: Any, kubeconfig: Path | None) -> None:
    """Run a process that lasts, with its settings."""
    import gc  # noqa: PLC0415

    import uvloop  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from berth.app.logs import configure  # noqa: PLC0415

    try:
        settings = settings_of() if kubeconfig is None else settings_of(kubeconfig=kubeconfig)
    except ValidationError as error:
        typer.echo(f"settings are not valid: {error}", err=True)
        raise typer.Exit(2) from error
    configure(settings.log_level)
    # What was imported stays for good, and decoded objects make no cycles: the collector has little to look for.
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    uvloop.run(process(settings))


@app.command()
def explain(
    file: Annotated[
        Path, typer.Argument(help="A Workload as YAML or JSON, as kubectl prints it; - is standard input.")
    ],
) -> None:
    """Say where a Workload runs and why: `kubectl get workloads.berth.dev NAME -o yaml | berth explain -`."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    try:
        items = objects(text)
    except Unreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    for item in items:
        typer.echo(explanation(item))


@app.command()
def crds(
    folder: Annotated[Path, typer.Argument(help="Folder of the CustomResourceDefinitions.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when the files are stale.")] = False,
) -> None:
    """Write the CustomResourceDefinitions, or check that they are up to date."""
    from berth.api.crd import generate, stale  # noqa: PLC0415

    if not check:
        generate(folder)
    elif found := stale(folder):
        typer.echo(f"stale: {', '.join(found)}: run `make generate`", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()
