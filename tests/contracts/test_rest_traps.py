"""The traps of TOM Toolkit's REST API that a client meets, each on a real TOM."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from parts.creating import create_target
from parts.tom_fixtures import MakeTom
from parts.tom_intents import MemoryIntents
from parts.tom_site import ADMIN_PASSWORD, BRIDGE_PASSWORD, GROUP
from parts.toms import Tom

from bridge.errors import ConfigurationError, RejectedError, TomAwayError
from bridge.events import DataProduct, EventRef, Point, Target, TargetReference, TargetType, uuid7
from bridge.tom.port import Additions, Fate, NewDatum, Provenance
from bridge.tom.rest import RestAccount, RestTom
from bridge.tom.rest.lacking import STAND_IN_FOR_ZERO

pytestmark = pytest.mark.tom

T0 = datetime(2024, 5, 1, 3, 4, 5, tzinfo=UTC)
Client = Callable[..., RestTom]


@pytest.fixture
def client() -> Iterator[Client]:
    """Return ``client(tom, **account)``: by default with user and password, and an index that is always looked over."""
    opened: list[RestTom] = []

    def open_(tom: Tom | str, **account: Any) -> RestTom:
        base_url = tom if isinstance(tom, str) else tom.base_url
        who = {} if "api_key" in account else {"username": "bridge", "password": BRIDGE_PASSWORD}
        wanted = {"name_index_age_s": 0.0, "timeout_s": 30.0, **who, **account}
        opened.append(RestTom(RestAccount(base_url=base_url, **wanted), MemoryIntents()))
        return opened[-1]

    yield open_
    for tom in opened:
        tom.close()


def source() -> Provenance:
    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM", shared_by="somebody")


def a_target(name: str = "SN 2024abc", **fields: Any) -> Target:
    return Target(**{"name": name, "type": TargetType.SIDEREAL, "ra": 10.5, "dec": -20.25, **fields})


def a_point(pk: int, **fields: Any) -> NewDatum:
    point = Point(**{"timestamp": T0, "bandpass": "r", "brightness": 18.5, **fields})
    return NewDatum(target_pk=pk, datum=point, provenance=source())


# -- who the bridge is -----------------------------------------------------------------------------------------------


def test_a_token_is_enough_for_3(tom3: Tom, client: Client) -> None:
    tom3.make_target("A")
    tom = client(tom3, api_key=tom3.pristine.tokens["bridge"])
    assert [found.name for found in tom.find(["A"])] == ["A"]


def test_a_token_that_2_would_silently_ignore_is_told(tom2: Tom, client: Client) -> None:
    tom2.make_target("A")
    with pytest.raises(ConfigurationError, match=r"^tom\.api_key: .*reads no API tokens.*username and password"):
        client(tom2, api_key=tom2.pristine.tokens["bridge"]).find(["A"])


def test_user_and_password_serve_where_the_token_is_ignored(tom2: Tom, client: Client) -> None:
    tom2.make_target("A")
    token = tom2.pristine.tokens["bridge"]
    tom = client(tom2, api_key=token, username="bridge", password=BRIDGE_PASSWORD)
    assert [found.name for found in tom.find(["A"])] == ["A"]


@pytest.mark.parametrize("who", [{"username": "bridge", "password": "wrong"}, {"api_key": "0" * 40}])
def test_credentials_that_are_not_accepted_name_the_key(tom3: Tom, client: Client, who: dict[str, str]) -> None:
    key = "tom.api_key" if "api_key" in who else "tom.password"
    with pytest.raises(ConfigurationError) as told:
        client(tom3, **who).find(["A"])
    assert told.value.where == key
    assert not any(secret in str(told.value) for secret in who.values() if secret != "bridge")


def test_a_wrong_password_for_2_names_the_key(tom2: Tom, client: Client) -> None:
    with pytest.raises(ConfigurationError, match=r"^tom\.password"):
        client(tom2, username="bridge", password="wrong").find(["A"])


def test_an_ended_session_is_begun_anew_before_anything_is_believed(tom2: Tom, client: Client) -> None:
    pk = tom2.make_target("A")
    tom = client(tom2)
    assert tom.find(["A"])
    tom2.shell("from django.contrib.sessions.models import Session; Session.objects.all().delete()")
    assert [found.name for found in tom.find(["A"])] == ["A"]
    tom2.shell("from django.contrib.sessions.models import Session; Session.objects.all().delete()")
    assert [result.fate for result in tom.add_datums([a_point(pk)])] == [Fate.NEW]


def test_no_target_is_ever_made_by_an_anonymous_visitor(any_tom: Tom, client: Client) -> None:
    tom = client(any_tom)
    assert tom.find(["A"]) == ()
    any_tom.shell("from django.contrib.sessions.models import Session; Session.objects.all().delete()")
    assert create_target(tom, a_target(), [], source()) is not None
    owners = any_tom.query(
        "SELECT DISTINCT u.username FROM guardian_userobjectpermission o JOIN auth_user u ON u.id = o.user_id"
    )
    assert owners == [{"username": "bridge"}]


def test_a_token_made_anew_is_traded_again(tom3: Tom, client: Client) -> None:
    tom3.make_target("A")
    tom = client(tom3)
    assert tom.find(["A"])
    tom3.shell("from rest_framework.authtoken.models import Token; Token.objects.all().delete()")
    assert [found.name for found in tom.find(["A"])] == ["A"]


def test_a_token_that_has_expired_is_replaced_by_a_session(make_tom: MakeTom, client: Client) -> None:
    running = make_tom(3, TOM_API_TOKEN_EXPIRY_DAYS=1)
    running.make_target("A")
    running.shell(
        "import datetime as d; from django.utils import timezone; from rest_framework.authtoken.models import Token;"
        "Token.objects.update(created=timezone.now() - d.timedelta(days=2))"
    )
    assert [found.name for found in client(running).find(["A"])] == ["A"]
    with pytest.raises(ConfigurationError, match=r"tom\.api_key"):
        client(running, api_key=running.pristine.tokens["bridge"]).find(["A"])


@pytest.mark.parametrize("major", [3, 2])
def test_a_locked_tom_is_written_with_a_session(make_tom: MakeTom, client: Client, major: int) -> None:
    running = make_tom(major, AUTH_STRATEGY="LOCKED")
    running.make_target("A")
    assert [found.name for found in client(running).find(["A"])] == ["A"]


def test_a_locked_tom_says_what_a_token_needs(make_tom: MakeTom, client: Client) -> None:
    running = make_tom(3, AUTH_STRATEGY="LOCKED")
    with pytest.raises(ConfigurationError, match="OPEN_URLS"):
        client(running, api_key=running.pristine.tokens["bridge"]).find(["A"])


def test_a_netrc_file_does_not_replace_the_account(
    tom3: Tom, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login admin password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    tom3.make_target("A")
    tom = client(tom3, api_key=tom3.pristine.tokens["bridge"])
    assert [found.name for found in tom.find(["A"])] == ["A"]


def test_a_group_that_the_account_is_not_in_is_told(any_tom: Tom, client: Client) -> None:
    with pytest.raises(ConfigurationError, match=f"tom.groups: .*Observer; it is in {GROUP}"):
        create_target(client(any_tom, groups=("Observer",)), a_target(), [], source())
    assert any_tom.query("SELECT name FROM auth_group WHERE name = 'Observer'") == []


# -- away, or at fault -----------------------------------------------------------------------------------------------


def test_a_killed_tom_is_away_and_then_served_again(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    tom = client(any_tom)
    assert tom.find(["A"])
    any_tom.kill()
    for ask in (lambda: tom.find(["A"]), lambda: tom.add_datums([a_point(pk)])):
        with pytest.raises(TomAwayError):
            ask()
    any_tom.start()
    assert [result.fate for result in tom.add_datums([a_point(pk)])] == [Fate.NEW]


def test_a_500_that_a_good_request_gets_too_is_the_tom_being_away(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    tom = client(any_tom)
    assert tom.find(["A"])
    any_tom.site.database.write_bytes(b"")
    with pytest.raises(TomAwayError):
        tom.find(["A"])
    with pytest.raises(TomAwayError):
        tom.session.request("PATCH", f"/api/targets/{pk}/", json={})


def test_a_database_locked_by_another_writer_is_the_tom_being_away(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    tom = client(any_tom)
    assert tom.find(["A"])
    with closing(sqlite3.connect(any_tom.site.database, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        with pytest.raises(TomAwayError, match="can't write"):
            tom.add_datums([a_point(pk)])
    assert tom.add_datums([a_point(pk)])[0].fate is Fate.NEW


@contextmanager
def _answering(status: int, headers: dict[str, str], body: bytes = b"<h1>no</h1>") -> Iterator[tuple[str, list[str]]]:
    """Serve the same answer to everything; yields the address and what came with ``Authorization``."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            came.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815 (BaseHTTPRequestHandler's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_tom_says_when_to_come_back(client: Client, status: int) -> None:
    with _answering(status, {"Retry-After": "17"}) as (url, _), pytest.raises(TomAwayError) as told:
        client(url).find(["A"])
    assert told.value.retry_after_s == 17.0


def test_credentials_are_not_carried_to_another_host(client: Client) -> None:
    with _answering(200, {}) as (elsewhere, came):
        for status in (301, 302, 307, 308):
            sent_on = _answering(status, {"Location": f"{elsewhere}/api/groups/"})
            told = pytest.raises(ConfigurationError, match=r"tom\.base_url: .* sends on to")
            with sent_on as (url, _), told:
                client(url, api_key="secret").find(["A"])
        assert came == []


def test_an_address_that_is_no_tom_is_told(client: Client) -> None:
    with _answering(404, {}) as (url, _), pytest.raises(ConfigurationError, match=r"tom\.base_url"):
        client(url).find(["A"])


# -- targets ---------------------------------------------------------------------------------------------------------


def test_where_a_target_came_from_is_kept_by_3_1(tom3: Tom, client: Client) -> None:
    create_target(client(tom3), a_target(), [], source())
    row = tom3.target("SN 2024abc")
    assert (row["shared_from"], row["shared_by"]) == ("Another TOM", "somebody")


def test_a_zero_that_a_killed_process_left_unfinished_is_finished_when_found(any_tom: Tom, client: Client) -> None:
    any_tom.make_target("A", type="SIDEREAL", ra=10.0, dec=STAND_IN_FOR_ZERO)
    (found,) = client(any_tom).find(["A"])
    assert found.fields["dec"] == 0.0
    assert any_tom.target("A")["dec"] == 0.0


def test_an_extra_that_the_tom_gives_itself_does_not_leave_half_a_target(make_tom: MakeTom, client: Client) -> None:
    extra_fields = [{"name": "redshift", "type": "number", "default": 0.0}]
    for major in (3, 2):
        running = make_tom(major, EXTRA_FIELDS=extra_fields)
        target = a_target(extras={"redshift": "0.3", "host": "M 31"})
        written = create_target(client(running, groups=(GROUP,)), target, ["L"], source())
        assert written is not None
        assert written.unverified == ()
        assert running.extras("SN 2024abc") == {"redshift": "0.3", "host": "M 31"}
        assert running.lists() == {"L": ["SN 2024abc"]}


def test_two_lists_of_one_name_cost_the_target_nothing_else(any_tom: Tom, client: Client) -> None:
    any_tom.shell(
        "from tom_targets.models import TargetList as L; L.objects.create(name='L'); L.objects.create(name='L')"
    )
    written = create_target(client(any_tom), a_target(), ["L", "Other"], source())
    assert written is not None
    (told,) = written.unverified
    assert told.startswith("list L: the TOM has 2 of that name")
    assert any_tom.lists() == {"L": [], "L#2": [], "Other": ["SN 2024abc"]}


def test_what_patch_accepts_and_does_not_write_is_unverified(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    written = client(any_tom).add_to_target(
        pk, Additions(fields={"abs_mag": 0.0, "slope": 0.15, "epoch": 1.0}), source()
    )
    assert [told.split(":")[0] for told in written.unverified] == ["abs_mag", "slope"]
    assert (any_tom.target("A")["abs_mag"], any_tom.target("A")["epoch"]) == (None, 1.0)


def test_a_scheme_is_added_to_elements_that_are_zero(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A", type="NON_SIDEREAL", mean_anomaly=0.0, inclination=1.0)
    additions = Additions(fields={"scheme": "MPC_MINOR_PLANET", "semimajor_axis": 2.5})
    assert client(any_tom).add_to_target(pk, additions, source()).unverified == ()
    row = any_tom.target("A")
    assert (row["scheme"], row["mean_anomaly"], row["semimajor_axis"]) == ("MPC_MINOR_PLANET", 0.0, 2.5)


def test_more_targets_than_a_page_are_all_known(any_tom: Tom, client: Client) -> None:
    any_tom.shell(
        "from tom_targets.models import Target\n"
        "Target.objects.bulk_create(Target(name=f'T {n}', type='SIDEREAL', ra=1, dec=1) for n in range(450))"
    )
    tom = client(any_tom, username="admin", password=ADMIN_PASSWORD)
    names = {f"t{number}" for number in range(450)}
    assert tom.appeared(names) == names
    any_tom.make_target("New")
    assert tom.appeared({"new"}) == {"new"}


def test_what_comes_and_goes_between_two_fills_is_known(any_tom: Tom, client: Client) -> None:
    tom = client(any_tom, name_index_age_s=3600.0)
    for name in ("A", "B"):
        any_tom.make_target(name)
    names = {"a", "b", "c", "d"}
    assert tom.appeared(names) == {"a", "b"}
    any_tom.make_target("C")
    assert tom.appeared(names) == {"a", "b", "c"}
    any_tom.shell("from tom_targets.models import Target; Target.objects.filter(name__in='AB').delete()")
    any_tom.make_target("D")
    assert tom.appeared(names) == {"c", "d"}


def test_within_its_age_the_index_is_believed_and_a_hit_is_confirmed(any_tom: Tom, client: Client) -> None:
    any_tom.make_target("A")
    tom = client(any_tom, name_index_age_s=3600.0)
    assert tom.find(["A"])
    any_tom.make_target("B")
    assert tom.find(["B"]) == ()
    any_tom.shell("from tom_targets.models import Target; Target.objects.filter(name='A').update(name='B 2')")
    assert tom.find(["A"]) == ()
    assert [found.name for found in tom.find(["B2"])] == ["B 2"]


def test_a_target_that_may_not_be_changed_stays_out_of_a_list_and_that_is_told(any_tom: Tom, client: Client) -> None:
    mine, other = any_tom.make_target("Mine"), any_tom.make_target("Other", may_change=False)
    written = client(any_tom).add_to_list("L", [mine, other], source())
    told = [one if isinstance(one, RejectedError) else one.unverified for one in written]
    assert told[0] == ()
    assert "may not change" in str(told[1])
    assert any_tom.lists() == {"L": ["Mine"]}


def test_the_models_permissions_open_all_targets_to_the_account(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("Hidden", users=[])
    tom = client(any_tom)
    assert tom.find(["Hidden"]) == ()
    any_tom.shell(
        "from django.contrib.auth.models import Permission, User\n"
        "User.objects.get(username='bridge').user_permissions.set("
        "Permission.objects.filter(codename__in=['view_target', 'change_target']))"
    )
    assert [found.name for found in tom.find(["Hidden"])] == ["Hidden"]
    assert tom.add_datums([a_point(pk)])[0].fate is Fate.NEW


# -- photometry ------------------------------------------------------------------------------------------------------


def test_a_200_for_a_row_that_differs_is_not_taken_for_a_duplicate(tom3: Tom, client: Client) -> None:
    pk = tom3.make_target("A")
    tom = client(tom3)
    assert tom.add_datums([a_point(pk, telescope="one")])[0].fate is Fate.NEW
    result = tom.add_datums([a_point(pk, telescope="two")])[0]
    assert (result.fate, len(tom3.photometry())) == (Fate.CONFLICTING, 1)


def test_what_the_list_hides_is_judged_by_the_tom(tom3: Tom, client: Client) -> None:
    pk = tom3.make_target("A")
    tom = client(tom3)
    fates = [tom.add_datums([a_point(pk, brightness=None, limit=limit)])[0].fate for limit in (19.0, 19.0, 20.0, 20.0)]
    assert fates == [Fate.NEW, Fate.DUPLICATE, Fate.NEW, Fate.DUPLICATE]
    assert [row["limit"] for row in tom3.photometry()] == [19.0, 20.0]


def test_many_points_go_over_several_connections_and_keep_their_order(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    points = [a_point(pk, bandpass=f"b{number}", brightness=float(number)) for number in range(60)]
    refused = NewDatum(target_pk=999, datum=points[0].datum, provenance=points[0].provenance)
    results = client(any_tom, connections=4).add_datums([*points[:30], refused, *points[30:]])
    assert [result.fate for result in results].index(Fate.REFUSED) == 30
    assert sum(result.fate is Fate.NEW for result in results) == 60
    assert len(any_tom.photometry()) == 60


# -- products --------------------------------------------------------------------------------------------------------


def a_file(path: Path, **fields: Any) -> DataProduct:
    return DataProduct.of(path.read_bytes(), **{"target": TargetReference(name="A"), "filename": path.name, **fields})


def survey_file(tom: Tom, name: str) -> Path:
    return tom.pristine.toolkit.packages / "tom_dataproducts/tests/test_data" / name


@pytest.mark.parametrize("process", [True, False])
def test_what_the_processor_made_of_a_file_is_told(any_tom: Tom, client: Client, process: bool) -> None:
    pk = any_tom.make_target("A")
    file = survey_file(any_tom, "test_lightcurve.csv")
    product = a_file(file, data_product_type="photometry", process=process)
    stored = client(any_tom).add_product(pk, product, "p1", source())
    assert stored.fate is Fate.NEW
    assert len(any_tom.photometry("A")) > 0
    told = "; ".join(stored.unverified)
    assert "source name can't be set over REST" in told
    assert ("processor ran" in told) is not process


def test_what_the_processor_made_of_a_file_is_compared_with_what_comes_next(any_tom: Tom, client: Client) -> None:
    pk, tom = any_tom.make_target("A"), client(any_tom)
    assert [result.fate for result in tom.add_datums([a_point(pk)])] == [Fate.NEW]  # now its datums are known
    file = survey_file(any_tom, "test_lightcurve.csv")
    tom.add_product(pk, a_file(file, data_product_type="photometry"), "p1", source())
    row = any_tom.photometry("A")[0]
    made = row | row["value"]
    found = {"timestamp": f"{made['timestamp']}+00:00", "bandpass": made.get("filter") or made["bandpass"]}
    for brightness, fate in ((3.0, Fate.CONFLICTING), (made.get("magnitude") or made["brightness"], Fate.DUPLICATE)):
        error = made.get("error") or made["brightness_error"]
        point = a_point(pk, brightness=brightness, brightness_error=error, **found)
        assert [result.fate for result in tom.add_datums([point])] == [fate]


def test_that_a_file_is_not_processed_is_told_also_after_a_crash(make_tom: MakeTom, client: Client) -> None:
    running, event = make_tom(3), source()
    pk, tom = running.make_target("A"), client(running)
    product = DataProduct.of(
        b"no table", target=TargetReference(name="A"), filename="t.csv", data_product_type="photometry"
    )
    for _ in range(2):
        assert "kept as image_file, not processed" in tom.add_product(pk, product, "p1", event).unverified[0]
    assert len(running.products()) == 1


@pytest.mark.parametrize(
    ("filename", "kept"), [("chart.svg", "chart_svg"), ("noname", "noname"), (".ht\u202eaccess\n.csv", "_ht_access_")]
)
def test_what_a_browser_would_run_is_kept_as_text_and_names_are_made_safe(
    any_tom: Tom, client: Client, filename: str, kept: str
) -> None:
    pk = any_tom.make_target("A")
    content = b"1,2\n" if filename.endswith("csv") else b"<svg onload='alert(1)'/>"
    fields = {"target": TargetReference(name="A"), "data_product_type": "image_file", "process": False}
    stored = client(any_tom).add_product(pk, DataProduct.of(content, filename=filename, **fields), "p1", source())
    assert stored.fate is Fate.NEW
    (row,) = any_tom.products()
    assert row["path"].name.startswith(kept)
    assert row["path"].suffix == (".csv" if filename.endswith("csv") else ".txt")
    assert row["path"].read_bytes() == content
    assert ("no browser is to run" in "; ".join(stored.unverified)) is not filename.endswith("csv")


def test_permissions_of_their_own_make_3_1_refuse_products_and_that_is_told(make_tom: MakeTom, client: Client) -> None:
    running = make_tom(3, TARGET_PERMISSIONS_ONLY=False)
    pk = running.make_target("A")
    file = survey_file(running, "test_lightcurve.csv")
    with pytest.raises(RejectedError, match="TARGET_PERMISSIONS_ONLY"):
        client(running).add_product(pk, a_file(file, data_product_type="image_file"), "p1", source())
    assert running.products() == []
