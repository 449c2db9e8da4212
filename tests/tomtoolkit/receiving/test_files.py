"""The files of data products: whatever they are called and contain, and whatever the TOM keeps them in."""

import gzip
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcessTom
from parts.shares import photometry, product
from parts.storages import storing

from bridge.errors import RejectedError, TomAwayError
from bridge.events import EventRef, Target, uuid7
from bridge.ledger.port import Outcome
from bridge.publishing.unprocessed import unprocessed
from bridge.tom.file_names import MOST_BYTES, is_active, passive, safe_part
from bridge.tom.port import Fate, Provenance

NAMES = st.text(st.characters(exclude_characters="/\\", exclude_categories=()), min_size=1, max_size=100)
PAGE = b"<html><script>alert(1)</script></html>"


@pytest.fixture
def sqlite_tom(make_orm_tom: MakeOrmTom) -> InProcessTom:
    return make_orm_tom("sqlite")


def a_tom(**rules: Any) -> Any:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.products import ProductRules
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    return DjangoTom(DjangoLedger(), {}, ProductRules(**rules))


def elsewhere() -> Provenance:
    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Alpha TOM", shared_by="ada")


def stored(tom: Any, pk: int, filename: str, content: bytes = b"1,2\n") -> Any:
    """Store a file that need not be processed."""
    image = product(content, filename=filename, data_product_type="image_file", process=False)
    return tom.add_product(pk, image, str(uuid7()), elsewhere())


def kept(orm_tom: InProcessTom) -> list[Path]:
    return sorted(path for path in orm_tom.site.media.rglob("*") if path.is_file())


# -- names -------------------------------------------------------------------------------------------------------------


@given(NAMES)
def test_any_name_becomes_one_part_of_a_path_that_every_file_system_takes(name: str) -> None:
    safe = safe_part(name)
    assert 0 < len(safe.encode()) <= MOST_BYTES
    assert safe == safe.strip().rstrip(".")
    assert not safe.startswith(".")
    assert not set(safe) & set('<>:"/\\|?*')
    assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert safe_part(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("lc.csv", "lc.csv"),
        ("Größe 1.fits", "Größe 1.fits"),
        (".htaccess", "_htaccess"),
        ("...", "file"),
        ("!!!.csv", "file.csv"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("console.log", "console.log"),
        ("a.csv. . ", "a.csv"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("a\x1b[31m.csv", "a_[31m.csv"),
        ("a\ud800b.csv", "a_b.csv"),
        ("a:b?.csv", "a_b_.csv"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_part(name) == safe


def test_a_long_name_is_bounded_in_bytes_and_keeps_its_suffix() -> None:
    safe = safe_part("\U0001d400" * 96 + ".csv")
    assert len(safe.encode()) <= MOST_BYTES
    assert safe.endswith("\U0001d400.csv")


@pytest.mark.parametrize(
    "filename",
    ["\U0001d400" * 66 + ".txt", "é" * 96 + ".csv", "x" * 100, ".htaccess", "..csv", "!!!", "nul.fits", "a\u202eb.png"],
    ids=range(8),
)
def test_a_product_of_any_name_is_stored_under_a_name_that_the_tom_takes(
    sqlite_tom: InProcessTom, filename: str
) -> None:
    pk = sqlite_tom.make_target("A long name " * 8)
    assert stored(a_tom(), pk, filename).fate is Fate.NEW
    (row,) = sqlite_tom.products()
    assert len(row["data"]) <= 100
    assert row["path"].read_bytes() == b"1,2\n"
    assert PurePosixPath(row["data"]).suffix.lower() == PurePosixPath(safe_part(filename)).suffix.lower()


@pytest.mark.parametrize("path", ["outside", "ending"])
def test_a_path_of_the_toms_own_that_leads_astray_is_refused(make_orm_tom: MakeOrmTom, path: str) -> None:
    orm_tom = make_orm_tom("sqlite", DATA_PRODUCT_PATH=f"parts.storages.{path}")
    pk = orm_tom.make_target("A")
    with pytest.raises(RejectedError):
        stored(a_tom(), pk, "a.csv")
    assert kept(orm_tom) == []


def test_the_file_of_a_target_whose_name_has_no_letter_of_ascii_is_kept(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    star = Target(name="\u661f\u661f", type="SIDEREAL", ra=1.0, dec=2.0)
    alpha.publish(star, product(b"any", target=star.reference, process=False))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 2
    assert [row["path"].read_bytes() for row in orm_tom.products()] == [b"any"]


def test_a_file_name_costs_no_event_behind_it(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(filename="\U0001d400" * 66 + ".txt", process=False), photometry(2))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.APPLIED]


# -- whose file it is --------------------------------------------------------------------------------------------------


def test_nobody_elsewhere_can_name_the_place_of_a_file(sqlite_tom: InProcessTom) -> None:
    pk, tom = sqlite_tom.make_target("A"), a_tom()
    event = uuid7()
    for number, origin in enumerate(("alpha", "mallory")):
        image = product(b"%d" % number, filename="a.png", data_product_type="image_file", process=False)
        who = Provenance(event=EventRef(origin, event), origin_name=origin)
        assert tom.add_product(pk, image, origin, who).fate is Fate.NEW
    rows = {row["product_id"]: row["path"] for row in sqlite_tom.products()}
    assert [rows[origin].read_bytes() for origin in ("alpha", "mallory")] == [b"0", b"1"]
    assert event.hex[-12:] not in "".join(map(str, rows.values()))


def test_a_run_of_one_origin_is_nothing_to_another_with_the_same_event_id(sqlite_tom: InProcessTom) -> None:
    from bridge.tomtoolkit import models

    pk, tom = sqlite_tom.make_target("A"), a_tom()
    mine = elsewhere()
    image = product(b"mine", filename="a.png", data_product_type="image_file", process=False)
    tom.prepare_product(pk, image, "p1", mine)
    theirs = Provenance(event=EventRef("mallory", mine.event.id), origin_name="Mallory")
    assert tom.add_product(pk, image, "p1", theirs).fate is Fate.DUPLICATE
    assert models.ProductRun.objects.filter(origin="another-tom", done=True).exists()
    assert tom.add_product(pk, image, "p1", mine).fate is Fate.NEW


def test_a_file_that_a_products_row_names_is_never_deleted(sqlite_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.receiving import files

    stored(a_tom(), sqlite_tom.make_target("A"), "a.png")
    (row,) = sqlite_tom.products()
    files.remove(row["data"])
    assert row["path"].exists()


def test_what_a_release_before_left_on_its_way_is_undone_at_the_start(sqlite_tom: InProcessTom) -> None:
    from bridge.tomtoolkit import models

    left = sqlite_tom.site.media / "a/none/0123456789ab/x.csv"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"1")
    models.ProductRun.objects.create(origin="", event_id=uuid7(), product_id="p", file="a/none/0123456789ab/x.csv")
    assert a_tom().sweep() == 1
    assert kept(sqlite_tom) == []


# -- active content ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("finding_chart.html", b"x"),
        ("chart.svg", b"<svg/>"),
        ("chart.SVGZ", b"\x1f\x8b"),
        ("table.xml", b"x"),
        ("a.xhtml.fits", b"x"),
        ("a.html.de", b"x"),
        ("script.mjs", b"x"),
        ("shell.php.png", b"x"),
        ("page.mht", b"x"),
        ("noname", b"  \n<!DOCTYPE html>"),
        ("noname.dat", PAGE),
        ("a.fits", PAGE),
        ("a.dat", b"\xef\xbb\xbf<svg>"),
        ("a.dat", "\ufeff<html>".encode("utf-16-le")),
        ("a.bin", b"<?xml version='1.0'?>"),
    ],
)
def test_active_content_is_known_and_gets_a_name_that_is_served_as_text(name: str, content: bytes) -> None:
    import mimetypes

    assert is_active(name, content)
    assert mimetypes.guess_type(passive(name)) == ("text/plain", None)
    assert not is_active(passive(name), content)


@pytest.mark.parametrize(
    ("name", "content"),
    [("lc.csv", b"<1,2"), ("notes.txt", PAGE), ("s.fits", b"SIMPLE"), ("a.png", b"\x89PNG"), ("sn2024abc.1", b"1 2")],
)
def test_other_content_keeps_its_name(name: str, content: bytes) -> None:
    assert not is_active(name, content)


def test_active_content_is_stored_as_text_and_that_is_said(sqlite_tom: InProcessTom) -> None:
    result = stored(a_tom(), sqlite_tom.make_target("A"), "finding_chart.html", PAGE)
    assert result.fate is Fate.NEW
    assert "kept as finding_chart_html.txt" in result.unverified[0]
    assert [path.name for path in kept(sqlite_tom)] == ["finding_chart_html.txt"]


def test_active_content_is_refused_where_the_settings_say_so(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    beta.mapping["products"] = {"active_content": "refuse"}
    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(PAGE, filename="chart.html", process=False), product(b"1", process=False))
    beta.drain()
    assert beta.outcomes() == [Outcome.DEAD, Outcome.APPLIED]
    assert "browsers run" in str(beta.entries()[0].detail["message"])
    assert [path.name for path in kept(orm_tom)] == ["lc.csv"]


# -- storages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["ObjectStore", "Renaming", "Keeping"])
def test_a_product_is_kept_in_whatever_the_storage_makes_of_its_name(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, storage: str
) -> None:
    from django.test.utils import override_settings
    from tom_dataproducts.models import DataProduct

    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(b"1", process=False), product(b"2", process=False), photometry(1))
    with override_settings(**storing(storage)):
        beta.drain()
        contents = [row.data.read() for row in DataProduct.objects.order_by("pk")]
    assert beta.outcomes() == [Outcome.APPLIED] * 3
    assert contents == [b"1", b"2"]


def test_a_file_that_cant_be_deleted_is_left_and_stops_nobody(make_orm_tom: MakeOrmTom) -> None:
    orm_tom = make_orm_tom("sqlite", **storing("Keeping"), DATA_PROCESSORS={"photometry": "parts.django_hooks.Raising"})
    pk, tom = orm_tom.make_target("A"), a_tom()
    with pytest.raises(RejectedError, match="no table in it"):
        tom.prepare_product(pk, product(), "p1", elsewhere())
    assert orm_tom.products() == []
    assert len(kept(orm_tom)) == 1
    assert orm_tom.query("SELECT * FROM tom_bridge_product_run") == []


def test_a_storage_that_is_away_is_waited_for_and_one_that_takes_others_refuses_this_file(
    make_orm_tom: MakeOrmTom,
) -> None:
    orm_tom = make_orm_tom("sqlite", **storing("Away"))
    pk, away = orm_tom.make_target("A"), orm_tom.site.media.with_name("away")
    away.touch()
    with pytest.raises(TomAwayError, match="takes no file"):
        stored(a_tom(), pk, "a.png")
    away.unlink()
    assert stored(a_tom(), pk, "a.png").fate is Fate.NEW
    picky = make_orm_tom("sqlite", **storing("Picky"))
    pk = picky.make_target("A")
    with pytest.raises(RejectedError, match="does not take the file"):
        stored(a_tom(), pk, "x.png")
    assert stored(a_tom(), pk, "y.png").fate is Fate.NEW
    assert len(kept(picky)) == 1


@pytest.mark.parametrize(("storage", "level"), [("ObjectStore", "ok"), ("Keeping", "warn"), ("Away", "fail")])
def test_the_doctor_stores_and_deletes_a_probe(make_orm_tom: MakeOrmTom, storage: str, level: str) -> None:
    orm_tom = make_orm_tom("sqlite", **storing(storage))
    from bridge.tomtoolkit.operating.doctor import examine

    orm_tom.site.media.with_name("away").touch()
    (found,) = [one for one in examine() if one.about == "files"]
    assert found.level == level
    assert kept(orm_tom) == [] or level == "warn"


# -- what can't be processed -------------------------------------------------------------------------------------------

TWO_COLUMNS = b"4000.00 1.2e-15\n4052.63 1.2e-15\n4105.26 1.2e-15\n"


@pytest.mark.parametrize(
    ("filename", "content", "why"),
    [
        ("wiserep.ascii", TWO_COLUMNS, "Unsupported file type"),
        ("headerless.txt", TWO_COLUMNS, "KeyError"),
        ("empty.csv", b"# FACILITY: NOT\nwavelength,flux\n", "Empty table"),
        ("no.fits", b"no FITS at all", "OSError"),
        ("words.csv", b"# FACILITY: NOT\nwavelength,flux\na,b\n", ""),
        ("colons.csv", b"# FACILITY: NOT\n# DATE-OBS: 2023-05-20T01:02:03\nwavelength,flux\n4000,1.0\n4001,1.1\n", ""),
        ("spectrum", TWO_COLUMNS, "Unsupported file type"),
    ],
)
def test_a_file_that_this_tom_cant_process_is_kept_and_said(
    sqlite_tom: InProcessTom, filename: str, content: bytes, why: str
) -> None:
    pk = sqlite_tom.make_target("A")
    given = product(content, filename=filename, data_product_type="spectroscopy")
    assert bool(unprocessed(given)) == (filename not in {"words.csv", "empty.csv"}), "who shares it is warned"
    result = a_tom().add_product(pk, given, "p1", elsewhere())
    assert result.fate is Fate.NEW
    (note,) = result.unverified
    assert note.startswith("kept, not processed: ")
    assert why in note
    assert [row["path"].read_bytes() for row in sqlite_tom.products()] == [content]
    assert sqlite_tom.datums("spectroscopy") == []


@pytest.mark.parametrize(
    ("filename", "data_product_type"),
    [
        ("test_lightcurve.csv", "photometry"),
        ("test_spectrum.fits", "spectroscopy"),
        ("test_lightcurve.csv.gz", "photometry"),
        ("TEST_SPECTRUM.FITS", "spectroscopy"),
        ("test_lightcurve.txt", "photometry"),
    ],
)
def test_nobody_is_warned_of_a_file_that_is_processed(
    sqlite_tom: InProcessTom, filename: str, data_product_type: str
) -> None:
    content = sample(filename)
    given = product(content, filename=filename, data_product_type=data_product_type)
    result = a_tom().add_product(sqlite_tom.make_target("A"), given, "p1", elsewhere())
    assert (result.fate, result.unverified) == (Fate.NEW, ())
    assert len(sqlite_tom.datums(data_product_type)) >= 1
    assert unprocessed(given) == ""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("facility", [b"# FACILITY: NOT\n", b""])
def test_a_spectrum_of_a_text_is_kept_and_who_made_it_decides_whether_it_is_processed(
    make_orm_tom: MakeOrmTom, database: str, facility: bytes
) -> None:
    orm_tom = make_orm_tom(database)
    content = facility + b"# DATE-OBS: 2023-05-20\n" + b"wavelength,flux\n4000,1.0\n4001,1.1\n"
    given = product(content, filename="a.csv", data_product_type="spectroscopy")
    result = a_tom().add_product(orm_tom.make_target("A"), given, "p1", elsewhere())
    assert result.fate is Fate.NEW
    assert len(orm_tom.products()) == 1
    assert len(orm_tom.datums("spectroscopy")) == bool(facility)
    assert [note.startswith("kept, no") for note in result.unverified] == ([] if facility else [True])
    assert bool(unprocessed(given)) == (not facility), "who shares it is warned"


def sample(filename: str) -> bytes:
    """Return the content of one of TOM Toolkit's own samples, packed where its name says so."""
    import tom_dataproducts

    folder = Path(tom_dataproducts.__file__).parent / "tests" / "test_data"
    name = filename.lower().removesuffix(".gz")
    content = (folder / name.replace(".txt", ".csv")).read_bytes()
    return gzip.compress(content) if filename.endswith(".gz") else content


def test_a_processor_of_the_toms_own_may_say_that_it_cant_read_a_file(make_orm_tom: MakeOrmTom) -> None:
    orm_tom = make_orm_tom("sqlite", DATA_PROCESSORS={"photometry": "parts.django_hooks.Choosy"})
    pk = orm_tom.make_target("A")
    result = a_tom().add_product(pk, product(), "p1", elsewhere())
    assert "no column of ours" in result.unverified[0]
    assert len(orm_tom.products()) == 1
    assert orm_tom.photometry() == []


def test_that_a_file_was_not_processed_is_in_the_record(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(TWO_COLUMNS, filename="a.ascii", data_product_type="spectroscopy"))
    beta.drain()
    (entry,) = beta.entries()
    assert entry.outcome is Outcome.APPLIED
    assert "not processed" in str(entry.detail["unverified"])
