"""What a TOM in this process gives out: settings to publish, data to share, and what is in the outbox."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from parts.bridges import TOPIC

from bridge.codec import Decoder
from bridge.codec.schemas import Schemas
from bridge.events import Event
from bridge.stream.port import Stream

T0 = datetime(2026, 4, 1, 3, 4, 5, tzinfo=UTC)


@contextmanager
def publishing(url: str, *, origin: str = "beta", groups: Sequence[str] = (), **settings: Any) -> Iterator[None]:
    """Let this TOM publish to :data:`TOPIC` on the stream at ``url`` for a block."""
    from django.test.utils import override_settings

    mapping = {
        "origin": origin,
        "stream": {"url": url},
        "publish": {"topics": [{"topic": TOPIC, "groups": list(groups)}]},
        **settings,
    }
    with override_settings(TOM_BRIDGE=mapping, TOM_NAME="Beta TOM"):
        yield


def may_share_user(name: str) -> Any:
    """Return the account ``name``, with the permission to share."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.get(username=name)
    user.user_permissions.add(Permission.objects.get(content_type__app_label="tom_bridge", codename="share"))
    return User.objects.get(username=name)  # permissions are cached in the instance


def photometry(pk: int, number: int, *, start: int = 0, using: str = "default", **given: Any) -> list[Any]:
    """Give a target ``number`` points, a minute apart, by ``bulk_create``."""
    from tom_dataproducts.models import PhotometryReducedDatum

    rows = [
        PhotometryReducedDatum(
            target_id=pk, timestamp=T0 + timedelta(minutes=index), **{"bandpass": "r", "brightness": 18.0, **given}
        )
        for index in range(start, start + number)
    ]
    return list(PhotometryReducedDatum.objects.using(using).bulk_create(rows))


def outbox() -> list[Event]:
    """Return all events in the outbox, in order."""
    from bridge.tomtoolkit.models import OutboxEvent

    return [Event.checked(bytes(row.payload)) for row in OutboxEvent.objects.order_by("id")]


def outbox_states() -> list[str]:
    """Return how far each event in the outbox has come, in order."""
    from bridge.tomtoolkit.models import OutboxEvent

    return list(OutboxEvent.objects.order_by("id").values_list("state", flat=True))


def make_relay(open_stream: Callable[[Any], Stream] | None = None, *, lease_s: float = 30.0, **pace: Any) -> Any:
    """Return a relay of this process's TOM, with the settings as they are; it looks for new data at each turn."""
    from bridge.operations.opening import stream_of
    from bridge.publishing.relay import Pace
    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.sharing.relay import relay_of

    opened = open_stream or stream_of
    settings = Pace(**{"look_s": 0.0, "poll_s": 0.02, "flush_s": 2.0, "rest_s": 0.0, "shortest_wait_s": 0.01, **pace})
    return relay_of(conf.load(), pace=settings, open_streams=lambda settings: {"": opened(settings)}, lease_s=lease_s)


def relay_all() -> None:
    """Look for what is new, and send all that is queued."""
    make_relay().run(threading.Event(), until_end=True)


def sent(stream: Stream, topic: str = TOPIC) -> list[Event]:
    """Return all events of a topic, in order; one that was sent twice is there twice."""
    decode = Decoder(Schemas(stream)).decode
    return [
        event
        for partition, ends in sorted(stream.ends(topic).items())
        for record in stream.read(partition, ends.first)
        for event in decode(record)
    ]


def self_share(pk: int | None = None, *, by: str = "bridge", **given: Any) -> Any:
    """Let a target (or ``target_list``) share itself to :data:`TOPIC`."""
    from bridge.tomtoolkit.models import SelfShare

    return SelfShare.objects.create(target_id=pk, topic=TOPIC, created_by=may_share_user(by), **given)


def look() -> list[Event]:
    """Let the self-shares look once, and return what came to the outbox by that."""
    from bridge.tomtoolkit.sharing.self_sharing import SelfSharing

    before = len(outbox())
    assert not SelfSharing("default").look()
    return outbox()[before:]


def kinds(events: Sequence[Event]) -> list[str]:
    """Return the kind of each event."""
    return [str(event.kind) for event in events]


def points(events: Sequence[Event]) -> int:
    """Return the number of points in the events."""
    return sum(len(event.body.points) for event in events if event.kind == "photometry")  # type: ignore[union-attr]


def data_product(pk: int, name: str = "lc.csv", content: bytes = b"time,filter,magnitude\n55555.5,r,17.1\n") -> Any:
    """Give a target a data product with a file, as a person's upload does."""
    from django.core.files.base import ContentFile
    from tom_dataproducts.models import DataProduct

    row = DataProduct(target_id=pk, data_product_type="photometry", product_id=f"{pk}-{name}")
    row.data.save(name, ContentFile(content))
    return row
