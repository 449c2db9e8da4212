"""What a TOM shares: ``share()`` for its own code, the outbox, the relay, and what shares itself."""

from bridge.tomtoolkit.permissions import may_share
from bridge.tomtoolkit.sharing.accept import share
from bridge.tomtoolkit.sharing.parcel import Receipt

__all__ = ["Receipt", "may_share", "share"]
