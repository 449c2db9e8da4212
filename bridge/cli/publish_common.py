"""What all commands that share something have in common: their options, and the way out."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import plain, print_json, progress, say, tell

if TYPE_CHECKING:
    from bridge.events import Body, Event, TargetReference
    from bridge.operations.publishing import Published, Words
    from bridge.settings import Settings

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


def words_of(
    title: str, message: str, shared_by: str | None, acknowledgement: str | None, references: Sequence[str] | None
) -> "Words":
    """Return what the person says of the share."""
    from bridge.operations.publishing import Words

    return Words(
        title=title,
        message=message,
        shared_by=shared_by,
        acknowledgement=acknowledgement,
        references=tuple(references or ()),
    )


def reference(settings: "Settings", name: str, without_tom: bool) -> "TargetReference":
    """Return what receivers find the target by: as the local TOM has it, or its name alone."""
    from bridge.operations import publishing
    from bridge.operations.reading import read_reference

    return publishing.reference(name) if without_tom or settings.tom is None else read_reference(settings, name)


def share(
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
    publish(settings, found, topic=topic, source=source, dry_run=dry_run, timeout=timeout, as_json=as_json, told=told)


def publish(
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
    """Publish events as they are, and say so; before, which files receivers will not process."""
    from bridge.events import DataProduct
    from bridge.operations import publishing
    from bridge.operations.opening import opened_stream
    from bridge.publishing.unprocessed import warning

    for event in found:
        if isinstance(event.body, DataProduct) and (line := warning(event.body)):
            tell(f"{source}: {line}")
    with opened_stream(settings) as stream, progress("Publishing", len(found)) as show:
        done = publishing.publish(
            settings, stream, found, topic=topic, source=source, dry_run=dry_run, timeout_s=timeout, progress=show
        )
    for line in (*told, *done.not_carried, *done.assumed):
        tell(f"{source}: {line}")
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
