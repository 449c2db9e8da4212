"""``tom-bridge publish photometry``, ``spectroscopy`` and ``astrometry`` on the embedded stream."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from parts.command_line import Command
from parts.tables import DATA

from bridge.events import Event

TOPIC = "supernovae.public"
TABLE = "mjd,mag,magerr,filter,UL,seeing\n60000.5,19.5,,r,>,1.2\n60001.5,18.2,0.05,r,,1.3\n"


@pytest.fixture
def command(tom_bridge: Command, tmp_path: Path) -> Command:
    """Return ``tom-bridge`` in a folder of its own with an embedded stream and a topic."""
    (tmp_path / "tom-bridge.toml").write_text(
        f'origin = "north"\n[stream]\nurl = "sqlite:///stream.db"\n[publish]\ntopic = "{TOPIC}"\n'
    )
    assert tom_bridge("topics", "create", TOPIC).code == 0
    return tom_bridge


def published(command: Command) -> list[Event]:
    return [Event.checked(line) for line in command("tail", TOPIC, "--until-end", "--json").out.splitlines()]


def test_a_preview_shows_what_columns_were_taken_for_and_publishes_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    shown = command("publish", "photometry", "SN 1", "table.csv", "--preview")
    assert shown.code == 0, shown.err
    assert "Read as CSV; 2 datums" in shown.out
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in shown.out.splitlines() if line.split()}
    assert lines["UL"].strip() == "whether it is a limit"
    assert lines["mjd"].strip() == "time: MJD, UTC"
    assert lines["seeing"].strip() == "further value"
    assert "2023-02-25T12:00:00.000Z" in shown.out
    assert published(command) == []
    told = json.loads(command("publish", "photometry", "SN 1", "table.csv", "--preview", "--json").out)
    assert (told["datums"], told["first"][0]["limit"], told["columns"][4]) == (2, 19.5, ["UL", "whether it is a limit"])


def test_a_preview_needs_no_configuration(command: Command, tmp_path: Path) -> None:
    (tmp_path / "tom-bridge.toml").unlink()
    (tmp_path / "table.csv").write_text(TABLE)
    assert command("publish", "photometry", "SN 1", "table.csv", "--preview").code == 0


def test_an_error_ends_with_what_the_columns_were_taken_for(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mjd,mag,err,filter,flag\n60000.5,18,0.1,r,0\n60001.5,18,0.1,r,1\n")
    ended = command("publish", "photometry", "SN 1", "table.csv")
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert lines[0].startswith("table.csv: line 1: column 'flag' may mark bad rows or limits")
    assert lines[1] == "The columns were taken for (see also --preview):"
    assert lines[-2].split() == ["flag", "not", "clear"]
    assert lines[-1].startswith("tom-bridge: table.csv: 1 problem; nothing was published")
    assert published(command) == []


def test_columns_can_be_said_on_the_command_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mjd,my mag,l,flag,filter\n60000.5,18,<,0,r\n60001.5,19,,1,r\n")
    ended = command(
        "publish", "photometry", "SN 1", "table.csv", "--columns", "brightness=my mag,is_limit=l,extra=flag"
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (event,) = published(command)
    assert [(point.brightness, point.limit) for point in event.body.points] == [(None, 18), (19, None)]
    assert "is not understood" in command("publish", "photometry", "SN 1", "table.csv", "--columns", "x").err


def test_what_a_survey_leaves_out_is_told_and_counted(command: Command) -> None:
    ended = command("publish", "photometry", "Gaia15adl", str(DATA / "20_gaia_alerts.csv"), "--bandpass", "G")
    assert ended.code == 0, ended.err
    assert "1 row left out: untrusted, by Gaia" in ended.err
    (event,) = published(command)
    assert [point.brightness for point in event.body.points] == [19.12]


def test_a_table_is_read_as_the_survey_that_is_named_or_not_at_all(command: Command) -> None:
    file = str(DATA / "04c_ztf_forced_photometry.csv")
    assert command("publish", "photometry", "SN 1", file, "--format", "ztf", "--preview").code == 0
    ended = command("publish", "photometry", "SN 1", file, "--format", "atlas", "--preview")
    assert (ended.code, "this is no table of atlas: it lacks" in ended.err) == (1, True)


def test_empty_rows_are_left_out_when_that_is_asked_for(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mjd,mag,filter\n60000.5,18,r\n60001.5,,r\n")
    assert command("publish", "photometry", "SN 1", "table.csv").code == 1
    ended = command("publish", "photometry", "SN 1", "table.csv", "--skip-empty")
    assert (ended.code, "1 row left out: holds no value" in ended.err) == (0, True)
    assert len(published(command)[0].body.points) == 1


def test_a_spectrum_is_published(command: Command) -> None:
    file = str(DATA / "16_spectrum_DATE-OBS.fits")
    assert "say --wavelength-unit" in command("publish", "spectroscopy", "SN 1", file).err
    units = ("--wavelength-unit", "Angstrom", "--flux-unit", "erg / (s cm2 Angstrom)")
    ended = command("publish", "spectroscopy", "SN 1", file, *units, "--telescope", "NOT")
    assert ended.code == 0, ended.err
    (event,) = published(command)
    (spectrum,) = event.body.spectra
    assert (len(spectrum.flux), spectrum.wavelength_unit, spectrum.telescope) == (20, "Angstrom", "NOT")
    assert spectrum.timestamp.isoformat() == "2023-05-20T01:02:03+00:00"


def test_the_time_of_a_spectrum_is_never_only_a_day(command: Command) -> None:
    file = str(DATA / "17_wiserep.ascii")
    units = ("--wavelength-unit", "Angstrom", "--flux-unit", "erg / (s cm2 Angstrom)")
    ended = command("publish", "spectroscopy", "SN 1", file, *units, "--time", "2023-05-20")
    assert (ended.code, "has no time of day" in ended.err) == (2, True)
    assert command("publish", "spectroscopy", "SN 1", file, *units, "--time", "2023-05-20T01:02").code == 0


@pytest.mark.parametrize("dry_run", [False, True])
def test_who_publishes_a_file_is_warned_where_those_who_receive_it_will_not_process_it(
    command: Command, tmp_path: Path, dry_run: bool
) -> None:
    (tmp_path / "a.ascii").write_bytes(b"4000 1.0\n")
    (tmp_path / "b.csv").write_bytes(b"# FACILITY: NOT\nwavelength,flux\n4000,1.0\n")
    for name, warned in (("a.ascii", True), ("b.csv", False)):
        given = ("--type", "spectroscopy", *(("--dry-run",) if dry_run else ()))
        ended = command("publish", "data-product", "SN 1", name, *given)
        assert (ended.code, f"{name} will be kept, not processed, by receiving TOMs" in ended.err) == (0, warned)
    assert [event.body.filename for event in published(command)] == ([] if dry_run else ["a.ascii", "b.csv"])


def test_positions_are_published(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mjd,ra (deg),dec (deg),ra_err (arcsec)\n60000.5,10.5,-3.25,0.1\n")
    ended = command("publish", "astrometry", "2024 AB1", "table.csv")
    assert ended.code == 0, ended.err
    (event,) = published(command)
    (position,) = event.body.positions
    assert (position.ra, position.dec, position.ra_error, position.ra_error_units) == (10.5, -3.25, 0.1, "arcsec")


@pytest.mark.parametrize("kind", ["photometry", "spectroscopy", "astrometry"])
def test_a_file_that_is_not_there_is_told(command: Command, kind: str) -> None:
    ended = command("publish", kind, "SN 1", "none.csv")
    assert (ended.code, "there is no such file" in ended.err) == (1, True)


def test_astropy_is_asked_for_only_when_a_file_is_read() -> None:
    code = (
        "import sys\nfrom bridge.cli.main import run\nassert run(['publish', 'photometry', '--help']) == 0\n"
        "import bridge.publishing.sources.tables.photometry, bridge.publishing.sources.tables.spectrum\n"
        "import bridge.publishing.sources.tables.positions\nassert not {'astropy', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_missing_astropy_is_one_line_that_names_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    code = (
        "import importlib.util, sys\nfound = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'astropy' else found(name, *rest)\n"
        "from bridge.cli.main import run\nsys.exit(run(['publish', 'photometry', 'SN 1', sys.argv[1], '--preview']))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "table.csv")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "tom-bridge: reading files needs astropy. Run: pip install 'tom-bridge[files]'\n"
