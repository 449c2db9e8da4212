"""How much of what is there a TOM is asked for: no more where there is more, and enough to compare all that comes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from parts.tom_fixtures import MakeTom
from parts.tom_intents import MemoryIntents
from parts.tom_site import BRIDGE_PASSWORD
from parts.toms import Tom

from bridge.events import Datum, EventRef, Point, ReducedDatum, Spectrum, uuid7
from bridge.tom.port import Fate, NewDatum, Provenance
from bridge.tom.rest import RestAccount, RestTom, looking
from bridge.tom.rest import seen as known
from bridge.tom.rest.session import Request

pytestmark = pytest.mark.tom

T0 = datetime(2024, 5, 1, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MANY = 1_200
Client = Callable[[Tom], RestTom]
Wait = Callable[[float], None]

_FILL = """
from datetime import datetime, timedelta
import tom_dataproducts.models as models
first, step = datetime.fromisoformat(start), timedelta(hours=1)
times = [first + number * step for number in range(count)]
model = getattr(models, 'PhotometryReducedDatum', None)
if model:
    rows = [model(target_id=pk, timestamp=at, bandpass='r', brightness=brightness) for at in times]
else:
    value = {'filter': 'r', 'magnitude': brightness}
    model = models.ReducedDatum
    rows = [model(target_id=pk, data_type='photometry', timestamp=at, value=value) for at in times]
model.objects.bulk_create(rows)
"""
_DELETE = """
from datetime import datetime
import tom_dataproducts.models as models
model = getattr(models, 'PhotometryReducedDatum', models.ReducedDatum)
result = model.objects.filter(timestamp__gte=datetime.fromisoformat(since)).delete()[0]
"""


@pytest.fixture(params=[3, "3.0", 2], ids=["toolkit3", "toolkit3.0", "toolkit2"])
def tom(request: pytest.FixtureRequest, make_tom: MakeTom) -> Tom:
    """A TOM of each release in turn."""
    return make_tom(request.param)


@pytest.fixture
def client() -> Iterator[Client]:
    """Return ``client(tom)``, as a new process."""
    opened: list[RestTom] = []

    def open_(tom: Tom) -> RestTom:
        account = RestAccount(base_url=tom.base_url, username="bridge", password=BRIDGE_PASSWORD)
        opened.append(RestTom(account, MemoryIntents()))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages be small: what is there fills many."""
    monkeypatch.setattr(looking, "_PAGES", dict.fromkeys(looking._PAGES, (50, 200)))
    monkeypatch.setattr(looking, "_TAIL", 20)
    monkeypatch.setattr(known, "_STEP", 25)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Return ``wait(seconds)``: so long ago is then what was read, and reading it took long."""
    clock, passed = known.time.monotonic, [0.0]
    monkeypatch.setattr(known, "_TIMES_AS_LONG", 1_000_000)
    monkeypatch.setattr(known.time, "monotonic", lambda: clock() + passed[0])

    def wait_(seconds: float) -> None:
        passed[0] += seconds

    return wait_


def fill(tom: Tom, pk: int, count: int, start: datetime = T0, brightness: float = 18.5) -> None:
    """Give a target so many points as somebody else would, an hour apart."""
    tom.shell(_FILL, pk=pk, count=count, start=start.isoformat(), brightness=brightness)


def with_many(tom: Tom) -> int:
    """Return a new target that has very many points, an hour apart."""
    pk = tom.make_target("A")
    fill(tom, pk, MANY)
    return pk


def point(hours: float, **fields: object) -> Point:
    return Point.model_validate({"timestamp": T0 + hours * HOUR, "bandpass": "r", "brightness": 18.5, **fields})


def add(tom: RestTom, pk: int, *datums: Datum) -> list[Fate]:
    source = Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM", shared_by="somebody")
    written = tom.add_datums([NewDatum(target_pk=pk, datum=one, provenance=source) for one in datums])
    return [result.fate for result in written]


def looks(asked: list[Request]) -> list[int]:
    """Return how many rows each look at what is there asked for, and forget them."""
    found = [one.params["limit"] for one in asked if one.path == looking.DATUMS and one.method == "GET" and one.params]
    asked.clear()
    return found


@pytest.mark.usefixtures("small_pages")
def test_units_ask_no_more_of_a_target_that_has_many_points(
    tom: Tom, client: Client, asked: list[Request], wait: Wait
) -> None:
    bridge = client(tom)
    for count in (10, MANY):
        pk = tom.make_target(f"with {count}")
        fill(tom, pk, count)
        assert add(bridge, pk, point(0.5)) == [Fate.NEW]
        assert looks(asked)
        for turn in range(3):
            assert add(bridge, pk, point(turn + 0.25), point(MANY + turn), point(turn, bandpass="g")) == 3 * [Fate.NEW]
        assert looks(asked) == []
        wait(known.FRESH_S + 1)
        assert add(bridge, pk, point(0.75)) == [Fate.NEW]
        assert looks(asked) == [50]
        assert add(bridge, pk, point(1.75)) == [Fate.NEW]
        assert looks(asked) == []
        assert len(tom.photometry(f"with {count}")) == count + 12


@pytest.mark.usefixtures("small_pages")
def test_what_is_there_is_found_wherever_it_is(tom: Tom, client: Client) -> None:
    bridge, pk = client(tom), with_many(tom)
    for hours in (MANY - 1, 500, 0, 800):
        assert add(bridge, pk, point(hours), point(hours + 0.5)) == [Fate.DUPLICATE, Fate.NEW]
        assert add(bridge, pk, point(hours, brightness=17.0)) == [Fate.CONFLICTING]
        assert add(bridge, pk, point(hours + 0.5), point(hours + 0.25)) == [Fate.DUPLICATE, Fate.NEW]
    assert len(tom.photometry("A")) == MANY + 8


@pytest.mark.usefixtures("small_pages")
def test_what_is_there_is_looked_for_on_one_page_where_the_newest_come_first(
    tom3: Tom, client: Client, asked: list[Request]
) -> None:
    bridge, pk = client(tom3), with_many(tom3)
    add(bridge, pk, point(0.5))
    assert len(looks(asked)) > MANY // 200
    for hours in (MANY - 1, 900, 500, 0):
        assert add(bridge, pk, point(hours)) == [Fate.DUPLICATE]
        assert len(looks(asked)) == 1


@pytest.mark.usefixtures("small_pages")
def test_older_times_are_looked_for_from_where_the_last_look_ended(
    tom3: Tom, client: Client, asked: list[Request]
) -> None:
    bridge, pk = client(tom3), with_many(tom3)
    add(bridge, pk, point(MANY + 1))
    assert looks(asked) == [50]
    add(bridge, pk, point(400.5))
    half = len(looks(asked))
    add(bridge, pk, point(0.5))
    assert len(looks(asked)) <= half
    add(bridge, pk, point(800.5), point(1.5))
    assert looks(asked) == []


@pytest.mark.usefixtures("small_pages")
def test_rows_that_others_add_are_compared_after_a_minute(
    any_tom: Tom, client: Client, asked: list[Request], wait: Wait
) -> None:
    bridge, pk = client(any_tom), with_many(any_tom)
    add(bridge, pk, point(0.5))
    whole = len(looks(asked))
    fill(any_tom, pk, 5, T0 + MANY * HOUR)
    wait(known.FRESH_S + 1)
    assert add(bridge, pk, point(MANY + 7)) == [Fate.NEW]
    assert len(looks(asked)) == 1
    assert add(bridge, pk, point(MANY + 4), point(MANY + 3, brightness=17.0)) == [Fate.DUPLICATE, Fate.CONFLICTING]
    fill(any_tom, pk, 1, T0 - HOUR)
    fill(any_tom, pk, 60, T0 + 2 * MANY * HOUR)
    wait(known.FRESH_S + 1)
    looks(asked)
    assert add(bridge, pk, point(-1), point(-1, bandpass="g")) == [Fate.DUPLICATE, Fate.NEW]
    assert len(looks(asked)) >= whole, "what one page does not explain is read anew"


@pytest.mark.usefixtures("small_pages")
def test_newer_rows_that_others_add_meanwhile_let_nothing_be_read_twice(
    tom3: Tom, client: Client, asked: list[Request]
) -> None:
    bridge, pk = client(tom3), with_many(tom3)
    add(bridge, pk, point(0.5))
    fill(tom3, pk, 3, T0 + MANY * HOUR)
    looks(asked)
    for hours in (MANY - 1, 500):
        assert add(bridge, pk, point(hours)) == [Fate.DUPLICATE]
        assert len(looks(asked)) == 1
    assert add(bridge, pk, point(0.75), point(700.5)) == [Fate.NEW, Fate.NEW]
    assert looks(asked) == []


@pytest.mark.usefixtures("small_pages")
def test_rows_that_others_delete_can_be_written_again(any_tom: Tom, client: Client, wait: Wait) -> None:
    bridge, pk = client(any_tom), with_many(any_tom)
    add(bridge, pk, point(0.5))
    assert any_tom.shell(_DELETE, since=(T0 + 400 * HOUR).isoformat()) == MANY - 400
    assert add(bridge, pk, point(600), point(100), point(399)) == [Fate.NEW, Fate.DUPLICATE, Fate.DUPLICATE]
    wait(known.FRESH_S + 1)
    assert add(bridge, pk, point(600), point(100, brightness=17.0), point(800)) == [
        Fate.DUPLICATE, Fate.CONFLICTING, Fate.NEW,
    ]  # fmt: skip


def test_what_was_read_is_not_believed_for_longer_than_a_minute_where_reading_is_quick(
    any_tom: Tom, client: Client, asked: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = any_tom.make_target("A")
    fill(any_tom, pk, 3)
    bridge = client(any_tom)
    add(bridge, pk, point(0.5))
    any_tom.shell(_DELETE, since=(T0 + 2 * HOUR).isoformat())
    fill(any_tom, pk, 1, T0 + 1.5 * HOUR)
    clock = known.time.monotonic
    monkeypatch.setattr(known.time, "monotonic", lambda: clock() + known.FRESH_S + 1)
    looks(asked)
    assert add(bridge, pk, point(1.5, brightness=17.0)) == [Fate.CONFLICTING]
    assert len(looks(asked)) == 1


def test_spectra_are_read_once(any_tom: Tom, client: Client, asked: list[Request]) -> None:
    pk = any_tom.make_target("A")
    bridge = client(any_tom)

    def spectrum(number: int, days: int = 0) -> Spectrum:
        at = T0 + timedelta(days=number + days)
        return Spectrum(timestamp=at, telescope="2m0", instrument="floyds", wavelength=(1.0, 2.0), flux=(number, 3.0))

    assert add(bridge, pk, spectrum(1)) == [Fate.NEW]
    assert len(looks(asked)) == 1
    assert add(bridge, pk, spectrum(2), spectrum(3)) == [Fate.NEW, Fate.NEW]
    assert looks(asked) == []
    assert add(bridge, pk, spectrum(2, days=9), spectrum(3)) == [Fate.DUPLICATE, Fate.DUPLICATE]
    assert looks(asked)
    assert len(any_tom.datums("spectroscopy")) == 3


def test_targets_that_are_new_to_the_bridge_are_looked_at_side_by_side_and_each_for_itself(
    any_tom: Tom, client: Client
) -> None:
    pks = [any_tom.make_target(f"A{number}") for number in range(2 * looking._AT_ONCE + 1)]
    for pk in pks:
        fill(any_tom, pk, 1)
    datums = {pk: [point(0), point(number + 1)] for number, pk in enumerate(pks)}
    source = Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM", shared_by="somebody")
    new = [NewDatum(target_pk=pk, datum=one, provenance=source) for pk, given in datums.items() for one in given]
    fates = [result.fate for result in client(any_tom).add_datums(new)]
    assert fates == len(pks) * [Fate.DUPLICATE, Fate.NEW]
    assert len(any_tom.photometry()) == 2 * len(pks)


def test_types_that_differ_in_case_alone_are_one_list(tom3: Tom, client: Client, asked: list[Request]) -> None:
    pk = tom3.make_target("A")
    bridge = client(tom3)

    def radio(data_type: str, hours: int = 0) -> ReducedDatum:
        return ReducedDatum(timestamp=T0 + hours * HOUR, data_type=data_type, value={"flux": 1.5})

    assert add(bridge, pk, radio("radio", hours=1)) == [Fate.NEW]
    assert add(bridge, pk, radio("Radio")) == [Fate.NEW]
    looks(asked)
    assert add(bridge, pk, radio("radio")) == [Fate.DUPLICATE]
    assert len(looks(asked)) == 1
    assert len(tom3.datums("radio")) == 2
