"""``tom-bridge publish``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import sys
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import publish_files
from bridge.cli.common import Json, load_settings
from bridge.cli.publish_common import (
    Acknowledgement,
    DryRun,
    Message,
    References,
    SharedBy,
    Timeout,
    Title,
    Topic,
    WithoutTom,
    publish,
    reference,
    share,
    words_of,
)

app = typer.Typer(no_args_is_help=True, help="Share something: all is checked before the first event leaves.")

OwnSources = Annotated[
    list[str] | None,
    typer.Option("--own-source", help="A source name of data that are yours to share; may be repeated."),
]


@app.command()
def target(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="A name or alias of the target in your TOM.")],
    with_data: Annotated[bool, typer.Option("--with-data", help="Also its reduced datums.")] = False,
    own_sources: OwnSources = None,
    topic: Topic = None,
    title: Title = "",
    message: Message = "",
    shared_by: SharedBy = None,
    acknowledgement: Acknowledgement = None,
    references: References = None,
    dry_run: DryRun = False,
    timeout: Timeout = 60.0,
    as_json: Json = False,
) -> None:
    """Share a target of your TOM. What the TOM's API doesn't show, or isn't your own, is told and left out.

    Example: tom-bridge publish target "SN 2024abc" --with-data
    """
    from bridge.operations.reading import read_target

    settings = load_settings(context)
    bodies, told = read_target(settings, name, with_data=with_data, own_sources=own_sources or [])
    words = words_of(title, message, shared_by, acknowledgement, references)
    share(
        settings, bodies, words, topic=topic, source=f"target {name!r}", dry_run=dry_run, timeout=timeout,
        as_json=as_json, told=told,
    )  # fmt: skip


@app.command("list")
def list_(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The list's name in your TOM.")],
    with_targets: Annotated[
        bool, typer.Option("--with-targets", help="Also the targets themselves, for TOMs that don't have them.")
    ] = False,
    own_sources: OwnSources = None,
    topic: Topic = None,
    title: Title = "",
    message: Message = "",
    shared_by: SharedBy = None,
    acknowledgement: Acknowledgement = None,
    references: References = None,
    dry_run: DryRun = False,
    timeout: Timeout = 60.0,
    as_json: Json = False,
) -> None:
    """Share a target list of your TOM.

    Example: tom-bridge publish list "Young supernovae" --with-targets
    """
    from bridge.operations.reading import read_list

    settings = load_settings(context)
    bodies, told = read_list(settings, name, with_targets=with_targets, own_sources=own_sources or [])
    words = words_of(title, message, shared_by, acknowledgement, references)
    share(
        settings, bodies, words, topic=topic, source=f"list {name!r}", dry_run=dry_run, timeout=timeout,
        as_json=as_json, told=told,
    )  # fmt: skip


app.command()(publish_files.photometry)
app.command()(publish_files.spectroscopy)
app.command()(publish_files.astrometry)


@app.command("data-product")
def data_product(
    context: typer.Context,
    *,
    target: Annotated[str, typer.Argument(help="Name of the target.")],
    file: Annotated[Path, typer.Argument(help="The file; 8 MiB at most.")],
    type_: Annotated[str, typer.Option("--type", help="TOM Toolkit's data product type, such as spectroscopy.")],
    product_id: Annotated[str, typer.Option(help="Your identifier of the product, unique in every TOM.")] = "",
    process: Annotated[
        bool, typer.Option("--process/--no-process", help="Whether receivers run their data processor on it.")
    ] = True,
    without_tom: WithoutTom = False,
    topic: Topic = None,
    title: Title = "",
    message: Message = "",
    shared_by: SharedBy = None,
    acknowledgement: Acknowledgement = None,
    references: References = None,
    dry_run: DryRun = False,
    timeout: Timeout = 60.0,
    as_json: Json = False,
) -> None:
    """Share a file of a target.

    Example: tom-bridge publish data-product "SN 2024abc" spectrum.fits --type spectroscopy
    """
    from bridge.operations import publishing
    from bridge.publishing.sources.product import read_product

    settings = load_settings(context)
    publishing.check_file(file)
    product = read_product(
        file,
        target=reference(settings, target, without_tom),
        data_product_type=type_,
        product_id=product_id,
        process=process,
    )
    words = words_of(title, message, shared_by, acknowledgement, references)
    share(settings, [product], words, topic=topic, source=str(file), dry_run=dry_run, timeout=timeout, as_json=as_json)


@app.command()
def events(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(help="JSON lines of events, as 'tail --json' writes them; - reads them in.")],
    topic: Topic = None,
    dry_run: DryRun = False,
    timeout: Timeout = 60.0,
    as_json: Json = False,
) -> None:
    """Publish events as they are, with their own ids and origins: an event that a TOM has had stays a duplicate there.

    Example: tom-bridge tail supernovae.public --until-end --json | tom-bridge publish events - --topic archive
    """
    from bridge.operations import publishing
    from bridge.publishing.sources.jsonl import read_events

    settings = load_settings(context)
    if file == "-":
        found = read_events(sys.stdin, source="standard input")
    else:
        publishing.check_file(Path(file))
        with Path(file).open(encoding="utf-8") as lines:
            found = read_events(lines, source=file)
    publish(settings, found, topic=topic, source=file, dry_run=dry_run, timeout=timeout, as_json=as_json)
