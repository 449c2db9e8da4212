"""Data products over the ORM: file, row and processor, each of which may fail or be killed in the middle."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from parts import django_hooks, warm
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import VENDORS, InProcessTom
from parts.shares import photometry, product
from parts.tom_site import GROUP
from parts.wait import wait_until

from bridge.budget import Budget
from bridge.errors import BridgeError, BudgetSpentError, RejectedError, TomAwayError
from bridge.ledger.port import Outcome, Reason
from bridge.tom.port import Fate, Provenance


def files(orm_tom: InProcessTom) -> list[str]:
    return [path.name for path in sorted(orm_tom.site.media.rglob("*")) if path.is_file()]


def processor(name: str) -> dict[str, Any]:
    return {
        "DATA_PROCESSORS": {"photometry": f"parts.django_hooks.{name}"},
        "HOOKS": {"data_product_post_upload": "parts.django_hooks.data_product_post_upload"},
    }


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


def a_tom() -> Any:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    return DjangoTom(DjangoLedger(), {"": (GROUP,)})


def test_the_hook_and_the_processor_run_once_and_what_they_make_counts_as_received(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    orm_tom = make_orm_tom(vendor, **processor("Processor"))
    from tom_dataproducts.models import DataProduct, PhotometryReducedDatum

    from bridge.tomtoolkit.receiving.written import is_written

    pk, tom = orm_tom.make_target("A"), a_tom()
    tom.prepare_product(pk, product(), "p1", provenance)
    assert tom.add_product(pk, product(), "p1", provenance).fate is Fate.NEW
    assert tom.add_product(pk, product(), "p1", provenance).fate is Fate.DUPLICATE
    assert django_hooks.called() == [("p1", "lc.csv"), ("processed", "p1")]
    rows = orm_tom.photometry("A")
    assert [(row["brightness"], row["source_name"], row["value"]) for row in rows] == [
        (18.0, "Alpha TOM", {"original_source_name": "ATLAS"}),
        (19.0, "Alpha TOM", {}),
    ]
    assert all(is_written("default", PhotometryReducedDatum, row["id"]) for row in rows)
    assert is_written("default", DataProduct, orm_tom.products()[0]["id"])
    assert files(orm_tom) == ["lc.csv"]


def test_a_product_that_is_not_to_be_processed_is_only_stored(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    orm_tom = make_orm_tom(vendor, **processor("Raising"))
    pk = orm_tom.make_target("A")
    assert a_tom().add_product(pk, product(process=False), "p1", provenance).fate is Fate.NEW
    assert django_hooks.called() == [("p1", "lc.csv")]
    assert len(orm_tom.products()) == 1


def test_two_products_of_one_name_are_two_files(tom: Any, orm_tom: InProcessTom) -> None:
    from bridge.events import EventRef, uuid7

    pk = orm_tom.make_target("A")
    for number in (1, 2):
        content = f"{number}".encode()
        image = product(content, filename="a.png", data_product_type="image_file")
        tom.add_product(
            pk, image, f"p{number}", Provenance(event=EventRef("another-tom", uuid7()), origin_name="Alpha TOM")
        )
    assert {row["product_id"]: row["path"].read_bytes() for row in orm_tom.products()} == {"p1": b"1", "p2": b"2"}
    assert files(orm_tom) == ["a.png", "a.png"]


def test_a_name_that_is_too_long_for_the_tom_is_shortened(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    pk = orm_tom.make_target("A long name " * 8)
    tom.add_product(pk, product(filename="x" * 96 + ".csv"), "p1", provenance)
    (row,) = orm_tom.products()
    assert len(row["data"]) <= 100
    assert row["data"].endswith("x.csv")
    assert row["path"].exists()


def test_a_processor_that_raises_refuses_the_product_and_nothing_of_it_stays(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    orm_tom = make_orm_tom(vendor, **processor("Raising"))
    pk = orm_tom.make_target("A")
    with pytest.raises(RejectedError, match="processor failed: ValueError: no table in it"):
        a_tom().prepare_product(pk, product(), "p1", provenance)
    assert orm_tom.products() == orm_tom.photometry() == files(orm_tom) == []
    for table in ("written_run", "product_run"):
        assert orm_tom.query(f"SELECT * FROM tom_bridge_{table}") == []


def test_an_event_whose_processor_raises_is_a_dead_letter_and_goes_on_when_it_is_mended(
    make_orm_tom: MakeOrmTom, vendor: str, alpha: Publishing, url: str, tmp_path: Path
) -> None:
    from django.test.utils import override_settings

    orm_tom = make_orm_tom(vendor, **processor("Raising"))
    beta = SubscribedInProcess(orm_tom, url, tmp_path)
    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(), product(b"2", product_id="2", process=False))
    beta.drain()
    assert [(entry.outcome, entry.reason) for entry in beta.entries()] == [
        (Outcome.DEAD, Reason.REJECTED),
        (Outcome.APPLIED, None),
    ]
    assert len(orm_tom.products()) == 1
    with override_settings(**processor("Processor")), beta.open() as bridge:
        bridge.waiting.retry_dead(bridge.ledger.dead(), bridge.budget)
    assert [entry.outcome for entry in beta.entries()] == [Outcome.APPLIED, Outcome.APPLIED]
    assert len(orm_tom.photometry()) == 2


@pytest.mark.parametrize("targets_only", [True, False])
def test_the_groups_see_product_and_datums_where_they_have_permissions(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance, targets_only: bool
) -> None:
    orm_tom = make_orm_tom(vendor, TARGET_PERMISSIONS_ONLY=targets_only, **processor("Processor"))
    from django.contrib.auth.models import User
    from guardian.shortcuts import get_objects_for_user
    from tom_dataproducts.models import DataProduct, PhotometryReducedDatum

    a_tom().add_product(orm_tom.make_target("A"), product(), "p1", provenance)
    member = User.objects.get(username="bridge")
    for model, count in ((DataProduct, 1), (PhotometryReducedDatum, 2)):
        seen = get_objects_for_user(member, f"tom_dataproducts.view_{model._meta.model_name}", model.objects.all())
        assert seen.count() == (0 if targets_only else count)


TAKES_TOO_MUCH = {"fill the memory"}
"""What would take as much at the next try."""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "it ended its process with code 0"),
        ("sys.exit", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
        ("raise", "ValueError: no table in it"),
        ("hang", "did not end within 2 s"),
        ("fill the memory", "MemoryError"),
        ("leave a transaction", "left a transaction open"),
        ("delete itself", "unsaved related object"),
    ],
)
def test_whatever_a_processor_does_is_the_fault_of_its_event_alone(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, how: str, told: str
) -> None:
    from django.test.utils import override_settings

    beta.mapping["limits"] = {"processor_s": 2.0, "processor_mb": 64, "attempts": 3}
    orm_tom.make_target("SN 2024abc")
    alpha.publish(product(how.encode()), product(b"close,", product_id="2"), photometry(1))
    with override_settings(**processor("Misbehaving")):
        beta.drain()
    assert [entry.outcome for entry in beta.entries()] == [Outcome.DEAD, Outcome.APPLIED, Outcome.APPLIED]
    dead = beta.entries()[0]
    assert dead.reason is Reason.REJECTED
    assert told in str(dead.detail["message"])
    tries = 1 if how in TAKES_TOO_MUCH else 3
    assert [call[0] for call in django_hooks.called()].count("processed") == tries + 1
    assert files(orm_tom) == ["lc.csv"]
    assert len(orm_tom.photometry()) == 3
    assert orm_tom.query("SELECT * FROM tom_bridge_product_run") == []


def test_a_stop_ends_a_processor_that_hangs_and_the_product_is_begun_anew(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    from django.test.utils import override_settings

    orm_tom = make_orm_tom(vendor, **processor("Misbehaving"))
    pk, tom, stopped = orm_tom.make_target("A"), a_tom(), threading.Event()
    budget = Budget(stopped=stopped)

    def stop() -> None:
        wait_until(lambda: ("processed", "p1") in django_hooks.called(), what="the processor")
        stopped.set()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(BudgetSpentError):
        tom.prepare_product(pk, product(b"hang"), "p1", provenance, budget)
    thread.join()
    with override_settings(**processor("Processor")):
        assert tom.add_product(pk, product(b"hang"), "p1", provenance).fate is Fate.NEW
    assert files(orm_tom) == ["lc.csv"]
    assert len(orm_tom.photometry()) == 2


def test_a_product_is_not_processed_within_an_open_transaction(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from bridge.tomtoolkit.database import writing

    pk = orm_tom.make_target("A")
    with pytest.raises(TomAwayError, match="not prepared"), writing():
        tom.add_product(pk, product(), "p1", provenance)
    assert orm_tom.products() == []
    tom.prepare_product(pk, product(), "p1", provenance)
    with writing():
        assert tom.add_product(pk, product(), "p1", provenance).fate is Fate.NEW


def test_a_full_file_storage_is_waited_for(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.files.storage import FileSystemStorage

    def full(*_args: Any) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    pk = orm_tom.make_target("A")
    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "_save", full)
        with pytest.raises(TomAwayError, match=r"No space left.*Make room"):
            tom.prepare_product(pk, product(), "p1", provenance)
    assert orm_tom.products() == []
    assert tom.add_product(pk, product(), "p1", provenance).fate is Fate.NEW
    assert files(orm_tom) == ["lc.csv"]


@pytest.mark.parametrize("left", ["file", "product"])
def test_what_a_killed_process_left_of_an_ended_event_is_swept(
    orm_tom: InProcessTom, provenance: Provenance, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parts.entries import Arrival

    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving import products

    class KilledError(BridgeError):
        """As good as a kill: nobody undoes anything."""

    def strike(*_args: Any, **_given: Any) -> None:
        raise KilledError("killed")

    pk, tom = orm_tom.make_target("A"), a_tom()
    with monkeypatch.context() as patched:
        if left == "file":
            patched.setattr(products.ProductModel, "save", strike)
        else:
            patched.setattr(products, "process", strike)
        with pytest.raises(KilledError):
            tom.prepare_product(pk, product(), "p1", provenance)
    assert files(orm_tom) == ["lc.csv"]
    assert tom.sweep() == 0
    assert files(orm_tom) == ["lc.csv"]
    arrival = Arrival(event_id=provenance.event.id, origin=provenance.event.origin)
    with DjangoLedger().unit() as unit:
        unit.record(arrival.entry(Outcome.IGNORED, Reason.DROPPED))
    assert tom.sweep() == 1
    assert orm_tom.products() == files(orm_tom) == []


def test_a_process_killed_in_the_processor_leaves_nothing_twice(
    in_process: Any, tmp_path: Path, alpha: Publishing, url: str
) -> None:
    from parts.django_tom import render_with_bridge

    site = render_with_bridge(
        in_process.site.toolkit,
        tmp_path / "site",
        TOM_BRIDGE={
            "ORIGIN": "beta",
            "STREAM": {"URL": url},
            "SUBSCRIBE": [{"TOPIC": alpha.topic}],
        },
        **processor("Killed"),
    )
    in_process.pristine.copy_to(site)
    alpha.publish(product())
    script = (
        "import django; django.setup()\n"
        "from tom_targets.models import Target\n"
        "Target.objects.get_or_create(name='SN 2024abc', type='SIDEREAL', ra=10.0, dec=20.0)\n"
        "from bridge.tomtoolkit.operating.assemble import open_bridge\n"
        "with open_bridge() as bridge: bridge.consumer().run(until_end=True)\n"
    )
    tests = Path(__file__).parents[2]
    environment = site.environment | {"PYTHONPATH": os.pathsep.join(map(str, (site.folder, tests, tests.parent)))}
    codes = [
        warm.run(["-W", "ignore", "-c", script], environment=environment, folder=site.folder).returncode
        for _ in range(2)
    ]
    assert codes == [-9, 0]
    orm_tom = InProcessTom(site, "sqlite")
    assert [row["brightness"] for row in orm_tom.photometry()] == [18.0, 19.0]
    assert [row["product_id"] for row in orm_tom.products()] == [orm_tom.products()[0]["product_id"]]
    assert files(orm_tom) == ["lc.csv"]
    assert orm_tom.query("SELECT * FROM tom_bridge_product_run") == []
    of_outcome = "tom_bridge_event JOIN tom_bridge_text ON tom_bridge_text.id = tom_bridge_event.outcome"
    assert [row["text"] for row in orm_tom.query(f"SELECT text FROM {of_outcome}")] == ["applied"]
