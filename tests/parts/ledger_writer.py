"""A small program that writes into a ledger, to be killed and frozen: ``write <path>``."""

import sys
from pathlib import Path

from parts.entries import PARTITION, Arrival

from bridge.ledger.port import Outcome
from bridge.ledger.sqlite import SqliteLedger

EVENTS = 3


def write() -> None:
    """Go on where the ledger stands, with an intent and a unit for each event, and print what was done."""
    ledger = SqliteLedger(Path(sys.argv[1]))
    position = ledger.positions().get(PARTITION)
    for offset in range(0 if position is None else position.next, EVENTS):
        arrival = Arrival(offset=offset)
        ledger.intents.begin(arrival.ref, ["point"])
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED))
            unit.move(PARTITION, "first", offset or None, offset + 1)
        print(f"wrote {offset}", flush=True)
    ledger.close()
