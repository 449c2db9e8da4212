"""What the bridge keeps in the TOM's own database: the ledger, what it wrote, and what is on its way out."""

from bridge.tomtoolkit.models.arrived import (
    Choice,
    ProductRun,
    RetryRequest,
    Written,
)
from bridge.tomtoolkit.models.leases import Lease
from bridge.tomtoolkit.models.ledger import (
    Dead,
    Done,
    Entry,
    Former,
    Heartbeat,
    Installation,
    Intent,
    Kept,
    List,
    Parked,
    ParkedName,
    Position,
    Success,
    Tally,
)
from bridge.tomtoolkit.models.sharing import (
    LeftOut,
    OutboxEvent,
    OutboxShare,
    Progress,
    SelfShare,
    SelfShareTarget,
    Shared,
)

__all__ = [
    "Choice",
    "Dead",
    "Done",
    "Entry",
    "Former",
    "Heartbeat",
    "Installation",
    "Intent",
    "Kept",
    "Lease",
    "LeftOut",
    "List",
    "OutboxEvent",
    "OutboxShare",
    "Parked",
    "ParkedName",
    "Position",
    "ProductRun",
    "Progress",
    "RetryRequest",
    "SelfShare",
    "SelfShareTarget",
    "Shared",
    "Success",
    "Tally",
    "Written",
]
