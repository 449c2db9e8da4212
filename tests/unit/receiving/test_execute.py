"""Data of many events in one transaction: each has its own outcome, whatever comes between."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from parts.entries import STARTED
from simulation.holdings import Holdings
from simulation.tom import SimulatedTom
from simulation.universe import target

from bridge.events import Body, Photometry, Point, ReducedData, ReducedDatum, Share, TargetReference, uuid7
from bridge.ledger.model import Outcome, Reason
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.decide import Policy
from bridge.receiving.execute import Executor


def photometry(name: str, *hours: int) -> Body:
    times = (STARTED + timedelta(hours=hour) for hour in hours)
    points = tuple(Point(timestamp=time, bandpass="r", brightness=18.0 + hours[0]) for time in times)
    return Photometry(target=TargetReference(name=name), points=points)


def measured(name: str, hour: int) -> Body:
    datum = ReducedDatum(timestamp=STARTED + timedelta(hours=hour), data_type="polarimetry", value={"q": 0.5})
    return ReducedData(target=TargetReference(name=name), data=(datum,))


def test_events_of_several_kinds_and_targets_each_have_their_own_outcome(tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite")) as ledger:
        holdings = Holdings()
        for name in ("SN 1", "SN 2"):
            holdings.create(target(name))
        share = Share(origin="north", origin_name="North TOM", installation=uuid7())
        bodies = [
            photometry("SN 1", 0, 1),
            measured("SN 2", 0),
            photometry("SN 3", 0),
            photometry("SN 2", 5),
            measured("SN 1", 0),
            photometry("SN 1", 0, 2),
            measured("SN 3", 1),
        ]
        events = [share.event(body) for body in bodies]
        executor = Executor(SimulatedTom(holdings, ledger.intents), ledger, Policy(), pause_s=0)
        results = executor.execute_datums(events, ["supernovae"] * len(events), ignored=[False] * len(events))
    assert [result.outcome for result in results] == [
        Outcome.PARKED if body.target.name == "SN 3" else Outcome.APPLIED for body in bodies
    ]
    told = [result.detail for result in results if result.outcome is Outcome.APPLIED]
    pks = {local["name"]: local["pk"] for detail in told if isinstance(local := detail["target"], dict)}
    assert [detail["target"] for detail in told] == [
        {"pk": pks[name], "name": name} for name in ("SN 1", "SN 2", "SN 2", "SN 1", "SN 1")
    ]
    assert [detail["datums"] for detail in told] == [
        {"new": 2}, {"new": 1}, {"new": 1}, {"new": 1}, {"new": 1, "duplicate": 1}
    ]  # fmt: skip
    reasons = [result.reason for result in results if result.outcome is Outcome.PARKED]
    assert reasons == [Reason.NO_TARGET, Reason.NO_TARGET]
