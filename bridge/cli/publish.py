"""``tom-bridge publish``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import Json, load_settings, plain, print_json, progress, say

if TYPE_CHECKING:
    from bridge.events import Body, Event, TargetReference
    from bridge.operations.publishing import Published, Words
    from bridge.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Share something: all is checked before the first event leaves.")

Topic = Annotated[str | None, typer.Option(help="The topic; default: publish.topic.")]
Title = Annotated[str, typer.Option(help="A title of the share.")]
Message = Annotated[str, typer.Option(help="A message to those who receive it.")]
SharedBy = Annotated[str | None, typer.Option(help="Who shares; default: publish.shared_by.")]
Acknowledgement = Annotated[str | None, typer.Option(help="How to acknowledge; default: publish.acknowledgement.")]
References = Annotated[list[str] | None, typer.Option("--reference", help="A paper or address; may be repeated.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, publish nothing.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that the stream is given to take it all.")]
WithoutTom = Annotated[
    bool, typer.Option("--without-tom", help="Don't ask the local TOM for the target's aliases and position.")
]

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
    words = _words(title, message, shared_by, acknowledgement, references)
    _share(
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
    words = _words(title, message, shared_by, acknowledgement, references)
    _share(
        settings, bodies, words, topic=topic, source=f"list {name!r}", dry_run=dry_run, timeout=timeout,
        as_json=as_json, told=told,
    )  # fmt: skip


@app.command()
def photometry(
    context: typer.Context,
    *,
    target: Annotated[str, typer.Argument(help="Name of the target.")],
    file: Annotated[Path, typer.Argument(help="CSV or ECSV with a header, or an ATLAS forced-photometry table.")],
    bandpass: Annotated[str | None, typer.Option(help="Of rows that don't say theirs.")] = None,
    telescope: Annotated[str | None, typer.Option(help="Of rows that don't say theirs.")] = None,
    instrument: Annotated[str | None, typer.Option(help="Of rows that don't say theirs.")] = None,
    unit: Annotated[str | None, typer.Option(help="Of rows that don't say theirs; magnitudes where empty.")] = None,
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
    """Share the photometry in a table. Columns are known by their usual names; others are kept as extra values.

    Example: tom-bridge publish photometry "SN 2024abc" lightcurve.csv
    """
    from bridge.operations import publishing
    from bridge.publishing.sources.table import read_table

    given = {"bandpass": bandpass, "telescope": telescope, "instrument": instrument, "unit": unit}
    settings = load_settings(context)
    points = read_table(file, given={name: value for name, value in given.items() if value is not None})
    words = _words(title, message, shared_by, acknowledgement, references)
    bodies = publishing.bodies_of(_reference(settings, target, without_tom), points)
    _share(settings, bodies, words, topic=topic, source=str(file), dry_run=dry_run, timeout=timeout, as_json=as_json)


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
        target=_reference(settings, target, without_tom),
        data_product_type=type_,
        product_id=product_id,
        process=process,
    )
    words = _words(title, message, shared_by, acknowledgement, references)
    _share(settings, [product], words, topic=topic, source=str(file), dry_run=dry_run, timeout=timeout, as_json=as_json)


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
    _publish(settings, found, topic=topic, source=file, dry_run=dry_run, timeout=timeout, as_json=as_json)


def _words(
    title: str, message: str, shared_by: str | None, acknowledgement: str | None, references: Sequence[str] | None
) -> "Words":
    from bridge.operations.publishing import Words

    return Words(
        title=title,
        message=message,
        shared_by=shared_by,
        acknowledgement=acknowledgement,
        references=tuple(references or ()),
    )


def _reference(settings: "Settings", name: str, without_tom: bool) -> "TargetReference":
    """Return what receivers find the target by: as the local TOM has it, or its name alone."""
    from bridge.operations.publishing import reference
    from bridge.operations.reading import read_reference

    return reference(name) if without_tom or settings.tom is None else read_reference(settings, name)


def _share(
    settings: "Settings",
    bodies: "Sequence[Body]",
    words: "Words",
    *,
    topic: str | None,
    source: str,
    dry_run: bool,
    timeout: float,
    as_json: bool,
    told: Sequence[str] = (),
) -> None:
    """Publish ``bodies`` as one share of this TOM; ``told`` is what was left out."""
    from bridge.operations.publishing import events_of, new_share

    found = events_of(new_share(settings, words), bodies)
    _publish(settings, found, topic=topic, source=source, dry_run=dry_run, timeout=timeout, as_json=as_json, told=told)


def _publish(
    settings: "Settings",
    found: "Sequence[Event]",
    *,
    topic: str | None,
    source: str,
    dry_run: bool,
    timeout: float,
    as_json: bool,
    told: Sequence[str] = (),
) -> None:
    from bridge.operations.opening import opened_stream
    from bridge.operations.publishing import publish

    with opened_stream(settings) as stream, progress("Publishing", len(found)) as show:
        done = publish(
            settings, stream, found, topic=topic, source=source, dry_run=dry_run, timeout_s=timeout, progress=show
        )
    for line in told:
        sys.stderr.write(f"{source}: {line}\n")
    if as_json:
        print_json({**plain(done), "left_out": told})
    else:
        say(_told(done))


def _told(done: "Published") -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(done.by_kind.items()))
    datums = f" with {done.datums} datums" if done.datums else ""
    records = f" in {done.records} records" if done.records != done.events else ""
    foreign = f"; {done.foreign} of them from other TOMs, as they are" if done.foreign else ""
    verb = "Would publish" if done.dry_run else "Published"
    shares = f" (share {done.share_ids[0]})" if len(done.share_ids) == 1 and not done.dry_run else ""
    return f"{verb} {kinds}{datums}{records} on {done.topic}{shares}{foreign}"
