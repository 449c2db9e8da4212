"""``tom-bridge publish photometry``, ``spectroscopy`` and ``astrometry``: files of measurements."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.common import Json, load_settings, moment, plain, print_json, print_table, say
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
    reference,
    share,
    words_of,
)

if TYPE_CHECKING:
    from bridge.publishing.sources.tables.elements.options import Options
    from bridge.publishing.sources.tables.outcome import Reading

Target = Annotated[str, typer.Argument(help="Name of the target.")]
Table = Annotated[Path, typer.Argument(help="A table: CSV and its kin, ECSV, VOTable, FITS, IPAC, CDS, ...")]
Telescope = Annotated[str | None, typer.Option(help="Where the file doesn't say it.")]
Instrument = Annotated[str | None, typer.Option(help="Where the file doesn't say it.")]
Columns = Annotated[str, typer.Option(help="What columns hold, as 'brightness=Vmag,limit=l_Vmag,extra=flag'.")]
SkipEmpty = Annotated[bool, typer.Option("--skip-empty", help="Leave out and count what has no value.")]
Preview = Annotated[bool, typer.Option("--preview", help="Show what would be published, and publish nothing.")]
_SHOWN = 5


def _observed(text: str) -> datetime:
    """Return the time of an observation, which is never only a day."""
    if ":" not in text:
        raise typer.BadParameter(f"{text!r} has no time of day; write 2026-01-31T12:00:00")
    return moment(text)


Time = Annotated[
    datetime | None,
    typer.Option(
        "--time", parser=_observed, metavar="TIME", help="When it was taken, in UTC, where the file doesn't say it."
    ),
]


def photometry(
    context: typer.Context,
    *,
    target: Target,
    file: Table,
    bandpass: Annotated[str | None, typer.Option(help="Of rows that don't say theirs.")] = None,
    telescope: Telescope = None,
    instrument: Instrument = None,
    unit: Annotated[str | None, typer.Option(help="Of rows that don't say theirs; magnitudes where empty.")] = None,
    columns: Columns = "",
    format_: Annotated[
        str, typer.Option("--format", help="The survey that the table is from (atlas, ztf, ...); default: found out.")
    ] = "",
    skip_empty: SkipEmpty = False,
    preview: Preview = False,
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
    """Share the photometry in a table. What bears on a value's meaning is understood, or the table is refused.

    Example: tom-bridge publish photometry "SN 2024abc" lightcurve.csv --preview
    """
    from bridge.publishing.sources.tables.photometry import read_photometry

    given = {"bandpass": bandpass, "telescope": telescope, "instrument": instrument, "unit": unit}
    options = _options(given, columns, format=format_, skip_empty=skip_empty)
    words = (title, message, shared_by, acknowledgement, references)
    _publish(
        context,
        target,
        file,
        read=read_photometry,
        options=options,
        words=words,
        preview=preview,
        without_tom=without_tom,
        topic=topic,
        dry_run=dry_run,
        timeout=timeout,
        as_json=as_json,
    )


def spectroscopy(
    context: typer.Context,
    *,
    target: Target,
    file: Annotated[Path, typer.Argument(help="One spectrum: a table with wavelengths and fluxes, or a FITS image.")],
    time: Time = None,
    wavelength_unit: Annotated[str | None, typer.Option(help="Where the file doesn't say it, as Angstrom.")] = None,
    flux_unit: Annotated[
        str | None, typer.Option(help="Where the file doesn't say it, as 'erg / (s cm2 Angstrom)'; or relative.")
    ] = None,
    telescope: Telescope = None,
    instrument: Instrument = None,
    columns: Annotated[str, typer.Option(help="What columns hold, as 'wavelength=wl,flux=f1,error=s1'.")] = "",
    skip_empty: SkipEmpty = False,
    preview: Preview = False,
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
    """Share the spectrum in a file, as data. The file itself is shared by 'publish data-product'.

    Example: tom-bridge publish spectroscopy "SN 2024abc" spectrum.fits --flux-unit 'erg / (s cm2 Angstrom)'
    """
    from bridge.publishing.sources.tables.spectrum import read_spectrum

    given = {
        "telescope": telescope,
        "instrument": instrument,
        "wavelength_unit": wavelength_unit,
        "flux_unit": flux_unit,
    }
    options = _options(given, columns, skip_empty=skip_empty, time=time)
    words = (title, message, shared_by, acknowledgement, references)
    _publish(
        context,
        target,
        file,
        read=read_spectrum,
        options=options,
        words=words,
        preview=preview,
        without_tom=without_tom,
        topic=topic,
        dry_run=dry_run,
        timeout=timeout,
        as_json=as_json,
    )


def astrometry(
    context: typer.Context,
    *,
    target: Target,
    file: Table,
    telescope: Telescope = None,
    instrument: Instrument = None,
    columns: Annotated[str, typer.Option(help="What columns hold, as 'ra=alpha,dec=delta,ra_error=s_alpha'.")] = "",
    skip_empty: SkipEmpty = False,
    preview: Preview = False,
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
    """Share the positions in a table: right ascension and declination (ICRS or J2000), times, errors with their units.

    Example: tom-bridge publish astrometry "2024 AB1" positions.csv
    """
    from bridge.publishing.sources.tables.positions import read_positions

    options = _options({"telescope": telescope, "instrument": instrument}, columns, skip_empty=skip_empty)
    words = (title, message, shared_by, acknowledgement, references)
    _publish(
        context,
        target,
        file,
        read=read_positions,
        options=options,
        words=words,
        preview=preview,
        without_tom=without_tom,
        topic=topic,
        dry_run=dry_run,
        timeout=timeout,
        as_json=as_json,
    )


def _options(given: dict[str, str | None], columns: str, **further: Any) -> "Options":
    from bridge.publishing.sources.tables.elements.options import Options, parse_columns

    said = parse_columns(columns) if columns else {}
    return Options(given={name: text for name, text in given.items() if text is not None}, columns=said, **further)


def _publish(
    context: typer.Context,
    target: str,
    file: Path,
    *,
    read: "Callable[[Path, Options], Reading]",
    options: "Options",
    words: Sequence[Any],
    preview: bool,
    without_tom: bool,
    topic: str | None,
    dry_run: bool,
    timeout: float,
    as_json: bool,
) -> None:
    from bridge.operations import publishing
    from bridge.publishing.bodies import bodies_of

    publishing.check_file(file)
    found = read(file, options)
    if preview:
        _show(found, as_json=as_json)
        return
    settings = load_settings(context)
    bodies = bodies_of(reference(settings, target, without_tom), found.datums)
    share(
        settings,
        bodies,
        words_of(*words),
        topic=topic,
        source=str(file),
        dry_run=dry_run,
        timeout=timeout,
        as_json=as_json,
        told=found.left_out,
    )


def _show(found: "Reading", *, as_json: bool) -> None:
    """Show how a file was read: what its columns were taken for, and the first datums as they would be published."""
    shown = found.datums[:_SHOWN]
    if as_json:
        first = [datum.model_dump(mode="json", exclude_defaults=True) for datum in shown]
        print_json(
            {
                "format": found.format,
                "columns": plain(found.taken),
                "datums": len(found.datums),
                "first": first,
                "left_out": found.left_out,
            }
        )
        return
    say(f"Read as {found.format}; {len(found.datums)} datums")
    print_table(("column", "taken for"), found.taken, empty="no columns")
    say("")
    rows = [_line(datum.model_dump(exclude_defaults=True)) for datum in shown]
    names = list(dict.fromkeys(name for row in rows for name in row))
    print_table(names, [[row.get(name) for name in names] for row in rows], empty="nothing")
    for line in found.left_out:
        say(line)


def _line(fields: dict[str, Any]) -> dict[str, object]:
    """Return a datum's fields as they are shown: times in full, arrays by their ends, further values by their names."""
    line: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, datetime):
            line[name] = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        elif isinstance(value, tuple):
            line[name] = f"{value[0]:g} ... {value[-1]:g} ({len(value)})" if value else ""
        elif isinstance(value, dict):
            line["further values"] = ", ".join(value)
        else:
            line[name] = f"{value:.10g}" if isinstance(value, float) else value
    if fields.keys() & {"brightness", "limit"} and not fields.get("unit"):
        line["unit"] = "mag"
    return line
