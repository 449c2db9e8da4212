"""What works together to write events into one TOM."""

from dataclasses import dataclass

from bridge.clock import CLOCK, Clock
from bridge.ledger.port import Ledger
from bridge.receiving.execute import Executor
from bridge.receiving.naming import Names
from bridge.receiving.progress import Progress
from bridge.receiving.read import Reader
from bridge.receiving.unit import Writer
from bridge.tom.port import Tom


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What works together to write events into one TOM."""

    ledger: Ledger
    tom: Tom
    reader: Reader
    executor: Executor
    names: Names
    writer: Writer
    progress: Progress
    clock: Clock = CLOCK
