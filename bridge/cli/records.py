"""``tom-bridge shares``, ``parked`` and ``dead``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import filters
from bridge.cli.common import (
    Json,
    Since,
    Until,
    home_of,
    plain,
    print_fields,
    print_json,
    print_table,
    progress,
    say,
    tell,
)

if TYPE_CHECKING:
    from bridge.operations.records import Arrived, Line, Retried

parked_app = typer.Typer(no_args_is_help=True, help="What waits until its target appears, or its reason is gone.")
dead_app = typer.Typer(no_args_is_help=True, help="Dead letters: events that can't be applied, each with its reason.")

ParkedIds = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="As 'parked list' shows; none: all.")]
DeadIds = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="As 'dead list' shows; none: all.")]


def shares(
    context: typer.Context,
    *,
    target: filters.Target = "",
    origin: filters.Origin = "",
    kind: filters.Kind = None,
    topic: filters.Topic = "",
    outcome: Annotated[filters.OutcomeName | None, typer.Option(help="Only this outcome.")] = None,
    since: Since = None,
    until: Until = None,
    most: filters.Most = 50,
    words: Annotated[
        bool, typer.Option("--words", help="Also what was said of each share: message, acknowledgement, references.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what arrived and what became of it, newest first.

    Example: tom-bridge shares --target "SN 2024abc" --since 30d
    """
    from bridge.operations import records

    wanted = filters.chosen(
        target=target, origin=origin, kind=kind, topic=topic, outcome=outcome, since=since, until=until, most=most
    )
    with home_of(context).ledger() as ledger:
        found = records.shares(ledger, wanted)
    if as_json:
        print_json([{**plain(one.line), "words": plain(one.words)} for one in found])
        return
    rows = [_share_row(one) for one in found]
    columns = ("published (UTC)", "kind", "target", "from", "shared by", "outcome", "what", "title", "where")
    print_table(columns, rows, empty="Nothing has arrived that fits.")
    if words:
        _print_words(found)


@parked_app.command("list")
def parked_list(
    context: typer.Context,
    *,
    target: filters.Target = "",
    origin: filters.Origin = "",
    kind: filters.Kind = None,
    topic: filters.Topic = "",
    most: filters.Most = 100,
    as_json: Json = False,
) -> None:
    """List what is parked, in the order of parking.

    Example: tom-bridge parked list --target "SN 2024abc"
    """
    from bridge.operations import records

    wanted = filters.chosen(target=target, origin=origin, kind=kind, topic=topic, most=most)
    with home_of(context).ledger() as ledger:
        found = records.parked(ledger, wanted)
    _print_kept(found, as_json=as_json, empty="Nothing is parked.")


@parked_app.command("retry")
def parked_retry(context: typer.Context, *, ids: ParkedIds = None, as_json: Json = False) -> None:
    """Try what is parked again, now; the consumer does so by itself from time to time.

    Example: tom-bridge parked retry
    """
    from bridge.operations import records

    with home_of(context).bridge() as bridge, progress("Trying", None) as show:
        done = records.retry_parked(bridge, ids or [], show)
    _print_retried(done, as_json=as_json)


@parked_app.command("drop")
def parked_drop(
    context: typer.Context,
    *,
    ids: ParkedIds = None,
    target: filters.Target = "",
    origin: filters.Origin = "",
    kind: filters.Kind = None,
    topic: filters.Topic = "",
    since: Since = None,
    until: Until = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
    as_json: Json = False,
) -> None:
    """Drop what is parked, by id or by what it is, for good; 'replay' can still bring it back from the stream.

    Example: tom-bridge parked drop --origin another-tom --until 2026-01-01
    """
    from bridge.errors import ConfigurationError
    from bridge.operations import records

    wanted = filters.chosen(target=target, origin=origin, kind=kind, topic=topic, since=since, until=until)
    if not (ids or everything or target or origin or kind or topic or since or until):
        raise ConfigurationError("nothing says what to drop", mend="Name ids or a filter, or write --all")
    with home_of(context).ledger() as ledger:
        dropped = records.drop_parked(ledger, wanted, ids or [])
    if as_json:
        print_json({"dropped": dropped})
    else:
        say(f"Dropped {dropped}")


@dead_app.command("list")
def dead_list(
    context: typer.Context,
    *,
    target: filters.Target = "",
    origin: filters.Origin = "",
    kind: filters.Kind = None,
    topic: filters.Topic = "",
    most: filters.Most = 100,
    as_json: Json = False,
) -> None:
    """List the dead letters, in the order in which they died.

    Example: tom-bridge dead list --origin another-tom
    """
    from bridge.operations import records

    wanted = filters.chosen(target=target, origin=origin, kind=kind, topic=topic, most=most)
    with home_of(context).ledger() as ledger:
        found = records.dead(ledger, wanted)
    _print_kept(found, as_json=as_json, empty="There are no dead letters.")


@dead_app.command("show")
def dead_show(
    context: typer.Context,
    *,
    id_: Annotated[int, typer.Argument(metavar="ID", help="As 'dead list' shows.")],
    raw: Annotated[Path | None, typer.Option(help="Write the record's bytes to this new file.")] = None,
    as_json: Json = False,
) -> None:
    """Show one dead letter in full: position, reason, headers, bytes.

    Example: tom-bridge dead show 3
    """
    from bridge.operations import records

    with home_of(context).ledger() as ledger:
        letter = records.letter(ledger, id_)
    if raw is not None:
        _write_new(raw, letter.value)
    if as_json:
        print_json(letter)
        return
    fields = {
        name: value for name, value in plain(letter.line).items() if value not in (None, "", {}) and name != "detail"
    }
    headers = {f"header {name}": value.decode(errors="backslashreplace") for name, value in letter.headers}
    begin = letter.value[:32].hex(" ") + (" ..." if letter.size > 32 else "")
    kept = "" if len(letter.value) == letter.size else f" (the first {len(letter.value)} are kept; the stream has all)"
    print_fields({**fields, **headers, "bytes": f"{letter.size}{kept}: {begin}", "sha256": letter.sha256})


@dead_app.command("retry")
def dead_retry(context: typer.Context, *, ids: DeadIds = None, as_json: Json = False) -> None:
    """Try dead letters again; what fails again stays dead, and the exit code is 1.

    Example: tom-bridge dead retry 3
    """
    from bridge.operations import records

    with home_of(context).bridge() as bridge, progress("Trying", len(ids) if ids else None) as show:
        done = records.retry_dead(bridge, ids or [], show)
    _print_retried(done, as_json=as_json)
    if done.outcomes.get("dead"):
        raise typer.Exit(1)


@dead_app.command("drop")
def dead_drop(
    context: typer.Context,
    *,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="As 'dead list' shows.")],
    as_json: Json = False,
) -> None:
    """Drop dead letters for good; 'replay' can still bring them back from the stream.

    Example: tom-bridge dead drop 3 4
    """
    from bridge.operations import records

    with home_of(context).ledger() as ledger:
        dropped = records.drop_dead(ledger, ids)
    if as_json:
        print_json({"dropped": dropped})
    else:
        say(f"Dropped {dropped}")


def _share_row(one: "Arrived") -> tuple[object, ...]:
    line = one.line
    what = (line.outcome, _why(line), line.title, line.where)
    return (line.published_at, line.kind, line.subject, line.origin_name, line.shared_by, *what)


def _print_words(found: "Sequence[Arrived]") -> None:
    """Print what was said of each share once, however many events it has."""
    shares = {(one.line.origin, one.line.share_id): one for one in found if one.words}
    for one in shares.values():
        line, words = one.line, one.words
        references = {f"reference {number}": text for number, text in enumerate(words.references, 1)}
        said = {"title": line.title, "message": words.message, "acknowledgement": words.acknowledgement, **references}
        said = {name: " ".join(text.split()) for name, text in said.items()}  # a message may have lines
        say("")
        print_fields({"share": line.share_id, "from": line.origin_name, "shared by": line.shared_by} | said)


def _print_kept(found: "Sequence[Line]", *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.id,
            one.published_at,
            one.kind,
            one.member or one.subject,
            one.origin_name,
            one.reason,
            one.message,
            one.where,
        )
        for one in found
    ]
    columns = ("id", "published (UTC)", "kind", "target", "from", "reason", "what", "where")
    print_table(columns, rows, empty=empty)


def _print_retried(done: "Retried", *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(done.outcomes.items()))
    say(f"Tried {done.tried}" + (f": {outcomes}" if outcomes else ""))


def _why(one: "Line") -> str:
    return ": ".join(part for part in (one.reason, one.message) if part)


def _write_new(path: Path, content: bytes) -> None:
    from bridge.errors import BridgeError

    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise BridgeError(f"can't be written: {error.strerror}", where=str(path)) from None
    tell(f"Wrote {len(content)} bytes to {path}")
