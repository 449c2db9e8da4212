"""What is not a TOM's API, does not answer, or is not to be waited for: no TOM is needed to show it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from parts.creating import create_target
from parts.stand_in_api import StandIn, empty_page, standing_in
from parts.tom_intents import MemoryIntents

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import BudgetSpentError, StopError, TomAwayError
from bridge.events import DataProduct, EventRef, Point, Target, TargetReference, TargetType, uuid7
from bridge.tom.port import Additions, NewDatum, Provenance
from bridge.tom.rest import RestAccount, RestTom
from bridge.tom.rest.workers import GRACE_S

T0 = datetime(2024, 5, 1, tzinfo=UTC)
SOURCE = Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM")
TARGET = Target(name="A", type=TargetType.SIDEREAL, ra=1.0, dec=2.0)
POINT = NewDatum(target_pk=1, datum=Point(timestamp=T0, bandpass="r", brightness=1.0), provenance=SOURCE)
PRODUCT = DataProduct.of(b"1", target=TargetReference(name="A"), filename="a", data_product_type="image_file")
SHOWN = {"id": 1, "name": "A", "type": "SIDEREAL", "aliases": [], "targetextra_set": [], "ra": 1.0, "dec": 2.0}


def open_tom(stand_in: StandIn, budget: Budget = NO_LIMIT, **account: Any) -> RestTom:
    wanted = {"api_key": "secret", "timeout_s": 30.0, "name_index_age_s": 0.0, **account}
    return RestTom(RestAccount(base_url=stand_in.base_url, **wanted), MemoryIntents(), budget)


OPERATIONS: dict[str, Callable[[RestTom], object]] = {
    "find": lambda tom: tom.find(["A"]),
    "find each": lambda tom: tom.find_each([["A"], ["B"]]),
    "appeared": lambda tom: tom.appeared({"a"}),
    "create": lambda tom: create_target(tom, TARGET, ["L"], SOURCE),
    "add to target": lambda tom: tom.add_to_target(1, Additions(aliases=("B",)), SOURCE),
    "add to list": lambda tom: tom.add_to_list("L", [1, 2], SOURCE),
    "datums": lambda tom: tom.datums(1, [POINT.datum]),
    "add datums": lambda tom: tom.add_datums([POINT]),
    "find product": lambda tom: tom.find_product("p"),
    "add product": lambda tom: tom.add_product(1, PRODUCT, "p", SOURCE),
    "probe": lambda tom: tom.probe(writing=True),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)

# -- something else answers --------------------------------------------------------------------------------------------

NO_API: dict[str, tuple[int, Any]] = {
    "a page of a proxy": (200, b"<html><h1>Back soon</h1></html>"),
    "nothing": (200, b""),
    "a list": (200, []),
    "a number": (200, 7),
    "another API": (200, {"status": "ok"}),
    "a page without results": (200, {"count": 1}),
    "a count that is a text": (200, {"count": "1", "results": []}),
    "results of numbers": (200, {"count": 1, "results": [1]}),
    "forbidden by a proxy": (403, b"<html>Forbidden</html>"),
    "another site": (404, b"<html>Not Found</html>"),
    "another API's refusal": (404, {"error": "no such route"}),
    "a bad gateway": (502, b""),
    "a server error": (500, b"<html>Server Error</html>"),
}


@pytest.mark.parametrize("answer", NO_API.values(), ids=NO_API)
@each_operation
def test_what_answers_in_place_of_a_tom_is_waited_for_and_no_event_is_at_fault(
    operation: Callable[[RestTom], object], answer: tuple[int, Any]
) -> None:
    with standing_in(lambda *_: answer) as stand_in, closing(open_tom(stand_in)) as tom:
        for _ in range(2):
            with pytest.raises((TomAwayError, StopError)) as told:
                operation(tom)
            assert stand_in.base_url in str(told.value)


TARGETS_THAT_ARE_NONE: dict[str, Any] = {
    "of another API": {"id": 1, "title": "A"},
    "without a name": SHOWN | {"name": None},
    "without an id": {name: value for name, value in SHOWN.items() if name != "id"},
    "with an id that is a text": SHOWN | {"id": "1"},
    "with aliases that are texts": SHOWN | {"aliases": ["B"]},
    "with aliases that are none": SHOWN | {"aliases": {"B": 1}},
    "with extras without values": SHOWN | {"targetextra_set": [{"key": "a"}]},
    "with groups that are numbers": SHOWN | {"groups": [1]},
}


@pytest.mark.parametrize("shown", TARGETS_THAT_ARE_NONE.values(), ids=TARGETS_THAT_ARE_NONE)
def test_targets_that_are_none_say_what_was_expected(shown: dict[str, Any]) -> None:
    def say(stand_in: StandIn, method: str, path: str) -> tuple[int, Any]:
        return (200, {"count": 1, "results": [shown]}) if path == "/api/targets/" else (200, shown)

    with standing_in(say) as stand_in, closing(open_tom(stand_in)) as tom:
        for operation in (OPERATIONS["find"], OPERATIONS["create"], OPERATIONS["add to target"]):
            with pytest.raises(TomAwayError, match=r"was expected.*may answer in place of the TOM"):
                operation(tom)


@pytest.mark.parametrize(
    "datum",
    [
        {"x": 1},
        {"data_type": "photometry", "timestamp": "soon", "value": {}},
        {"data_type": "photometry", "timestamp": "2024-05-01T00:00:00", "value": {}},
    ],
    ids=["without a time", "no time", "a time of no zone"],
)
def test_datums_that_are_none_say_what_was_expected(datum: dict[str, Any]) -> None:
    def say(stand_in: StandIn, method: str, path: str) -> tuple[int, Any]:
        if method == "GET" and path == "/api/reduceddatums/":
            return 200, {"count": 1, "results": [datum]}
        return empty_page(stand_in, method, path)

    with standing_in(say) as stand_in, closing(open_tom(stand_in)) as tom:
        for operation in (OPERATIONS["datums"], OPERATIONS["add datums"]):
            with pytest.raises(TomAwayError, match="was expected"):
                operation(tom)


def test_a_number_that_no_magnitude_can_be_costs_the_others_nothing() -> None:
    values = [{"filter": "r", "magnitude": 10**400}, {"filter": "r", "magnitude": 1.0}]
    shown = [{"data_type": "photometry", "timestamp": T0.isoformat(), "value": value} for value in values]

    def say(stand_in: StandIn, method: str, path: str) -> tuple[int, Any]:
        if method == "GET" and path == "/api/reduceddatums/":
            return 200, {"count": 2, "results": shown}
        return empty_page(stand_in, method, path)

    with standing_in(say) as stand_in, closing(open_tom(stand_in)) as tom:
        assert [row.values["brightness"] for row in tom.datums(1, [POINT.datum])] == [None, 1.0]


# -- nobody answers ----------------------------------------------------------------------------------------------------


def hanging(stand_in: StandIn, method: str, path: str) -> tuple[int, Any]:
    stand_in.hang()
    return 200, {}


def hanging_at_writes(stand_in: StandIn, method: str, path: str) -> tuple[int, Any]:
    if method in {"POST", "PATCH"}:
        stand_in.hang()
    return empty_page(stand_in, method, path)


@pytest.fixture
def stopping() -> Iterator[Callable[[StandIn], threading.Event]]:
    """Return ``stopping(stand_in)``: an event that is set when the stand-in was asked for something."""
    ended = threading.Event()

    def start(stand_in: StandIn) -> threading.Event:
        stopped = threading.Event()

        def watch() -> None:
            while not stand_in.asked and not ended.wait(0.05):
                pass
            ended.wait(0.3)
            stopped.set()

        threading.Thread(target=watch, daemon=True).start()
        return stopped

    yield start
    ended.set()


@each_operation
def test_a_stop_ends_whatever_is_under_way_though_nobody_answers(
    operation: Callable[[RestTom], object], stopping: Callable[[StandIn], threading.Event]
) -> None:
    with standing_in(hanging) as stand_in:
        tom = open_tom(stand_in, Budget(stopped=stopping(stand_in)))
        started = time.monotonic()
        with pytest.raises(BudgetSpentError, match="stop"):
            operation(tom)
        tom.close()
        assert time.monotonic() - started < GRACE_S + 5


def test_a_deadline_ends_what_is_under_way_and_others_take_its_place() -> None:
    with standing_in(hanging) as stand_in, closing(open_tom(stand_in, connections=1)) as tom:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(BudgetSpentError):
                tom.find_each([["A"]], Budget(0.2))
            assert time.monotonic() - started < GRACE_S + 5
        stand_in.say = empty_page
        assert tom.find(["A"]) == ()


def test_a_spent_budget_asks_for_nothing() -> None:
    stopped = threading.Event()
    stopped.set()
    with standing_in(empty_page) as stand_in, closing(open_tom(stand_in, Budget(stopped=stopped))) as tom:
        for operation in OPERATIONS.values():
            with pytest.raises(BudgetSpentError):
                operation(tom)
        assert stand_in.asked == []


def test_no_thread_keeps_the_process_alive(tmp_path: Path) -> None:
    program = """
import sys, threading
from bridge.budget import Budget
from bridge.errors import BudgetSpentError
from bridge.tom.rest import RestAccount, RestTom
stopped = threading.Event()
threading.Timer(0.5, stopped.set).start()
tom = RestTom(RestAccount(base_url=sys.argv[1], api_key="secret"), None, Budget(stopped=stopped))
try:
    tom.find(["A"])
except BudgetSpentError as error:
    print("stopped:", error)
tom.close()
"""
    with standing_in(hanging) as stand_in:
        ended = subprocess.run(
            [sys.executable, "-c", program, stand_in.base_url], capture_output=True, text=True, timeout=60, check=False
        )
    assert (ended.returncode, ended.stdout.startswith("stopped:")) == (0, True), ended.stderr


def test_an_answer_that_trickles_in_does_not_hold_a_stop_up(stopping: Callable[[StandIn], threading.Event]) -> None:
    import http.server

    class Trickle(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.asked.append(("GET", self.path))
            self.send_response(200)
            self.end_headers()
            while not asked.ended.wait(0.2):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            pass

    asked = StandIn(empty_page)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trickle)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked.base_url = f"http://127.0.0.1:{server.server_port}"
    tom = open_tom(asked, Budget(stopped=stopping(asked)))
    started = time.monotonic()
    with pytest.raises(BudgetSpentError):
        tom.find(["A"])
    assert time.monotonic() - started < GRACE_S + 5
    asked.ended.set()
    server.shutdown()
    server.server_close()
