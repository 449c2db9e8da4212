"""The relay of this process's TOM: from the outbox in its database to the streams, and what shares itself."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from django.db import DEFAULT_DB_ALIAS

from bridge.hermes.service import HermesService
from bridge.operations.assemble import streams_of
from bridge.publishing.relay import Pace, Relay
from bridge.stream.port import Stream
from bridge.tomtoolkit.conf import AppSettings
from bridge.tomtoolkit.database import Lease, translating
from bridge.tomtoolkit.database.leases import LASTS_S
from bridge.tomtoolkit.sharing.outbox import DjangoOutbox
from bridge.tomtoolkit.sharing.self_sharing import SelfSharing


def relay_of(
    settings: AppSettings,
    *,
    pace: Pace | None = None,
    open_streams: Callable[[AppSettings], Mapping[str, Stream | HermesService]] = streams_of,
    lease_s: float = LASTS_S,
    using: str = DEFAULT_DB_ALIAS,
) -> Relay:
    """Return what publishes the TOM's outbox, and lets share themselves what is to.

    A relay that has stopped without a word keeps others standing by for ``lease_s`` seconds.
    """
    publish = settings.publish
    self_sharing = SelfSharing(using)

    def look() -> bool:
        with translating(using):
            return self_sharing.look()

    return Relay(
        open_outbox=partial(DjangoOutbox, using),
        open_streams=partial(open_streams, settings),
        schema_topic=settings.schema_topic_of,
        named=publish.named,
        lease=Lease("relay", using, lasts_s=lease_s),
        pace=pace or Pace(look_s=publish.look_s, keep=timedelta(days=publish.keep_days)),
        look=look,
    )
