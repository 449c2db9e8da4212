"""What the bridge keeps in the TOM's own database: the ledger, what it wrote, and what is on its way out.

The rows of the ledger are for :mod:`bridge.tomtoolkit.ledger` and :mod:`bridge.tomtoolkit.products` alone to change,
those on the way out for :mod:`bridge.tomtoolkit.sharing`, ``relay`` and ``self_sharing``; everything else reads (and
makes self-shares and switches them on and off). A record is told by its place and the stream's time of it, as in
:mod:`bridge.tom.ledger_schema`.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Installation(models.Model):
    """The one row that says who this TOM is on the stream, and sums up what is kept."""

    one = models.SmallIntegerField(primary_key=True, default=1)
    installation = models.UUIDField(default=uuid.uuid4)
    tom_identity = models.TextField(null=True)
    kept_bytes = models.BigIntegerField(default=0)
    """Bytes of all raw records kept."""
    mailed_at = models.DateTimeField(null=True)
    """When the daily mail was last sent."""

    class Meta:
        permissions = (("share", "Can share targets and data over the bridge"),)


class Position(models.Model):
    """Where the TOM stands in one partition."""

    topic = models.CharField(max_length=249)
    partition = models.IntegerField()
    topic_id = models.TextField()
    next_offset = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("topic", "partition"), name="tom_bridge_one_position"),)


class Entry(models.Model):
    """The outcome of one record."""

    topic = models.CharField(max_length=249)
    partition = models.IntegerField()
    record_offset = models.BigIntegerField()
    published_at = models.DateTimeField(db_index=True)
    recorded_at = models.DateTimeField()
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=50, null=True)
    detail = models.TextField()
    """JSON as text: PostgreSQL's own type refuses a NUL, and a detail must cost no event."""
    event_id = models.UUIDField(null=True, db_index=True)
    share_id = models.UUIDField(null=True)
    origin = models.TextField()
    origin_name = models.TextField()
    kind = models.TextField()
    subject = models.TextField()
    simple_subject = models.TextField()
    shared_by = models.TextField()
    title = models.TextField()
    record_key = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("topic", "partition", "record_offset", "published_at"), name="tom_bridge_one_entry"
            ),
        )
        indexes = (models.Index(fields=("simple_subject", "published_at"), name="tom_bridge_entry_subject"),)


class Raw(models.Model):
    """The bytes of a record of which something is parked, or which is dead."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, primary_key=True)
    record_key = models.BinaryField(null=True)
    value = models.BinaryField()
    headers = models.TextField()
    """JSON: pairs of a name and the value in hexadecimal."""
    bytes = models.BigIntegerField()


class Parked(models.Model):
    """Something kept until its reason is gone. Ids grow in the order of parking and are never used again."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="parked")
    member = models.TextField()
    reason = models.CharField(max_length=50)
    detail = models.TextField()
    key_digest = models.CharField(max_length=64)
    """SHA-256 of the record's key: a key may be longer than an index of PostgreSQL takes."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("entry", "member"), name="tom_bridge_parked_once"),)
        indexes = (models.Index(fields=("key_digest", "id"), name="tom_bridge_parked_key"),)


class ParkedName(models.Model):
    """A simplified name under which something parked is looked for."""

    simple = models.TextField()
    parked = models.ForeignKey(Parked, on_delete=models.CASCADE, related_name="names")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("simple", "parked"), name="tom_bridge_parked_name"),)


class Dead(models.Model):
    """A dead letter."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="dead")


class Intent(models.Model):
    """What may have been begun by a process that was killed."""

    event_id = models.UUIDField()
    step = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event_id", "step"), name="tom_bridge_one_intent"),)


class List(models.Model):
    """Which local target list belongs to a shared one."""

    origin = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    handle = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("origin", "name"), name="tom_bridge_one_list"),)


class Tally(models.Model):
    """How many records of a topic, origin and kind had an outcome."""

    topic = models.CharField(max_length=249)
    origin = models.TextField()
    kind = models.TextField()
    outcome = models.CharField(max_length=20)
    records = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("topic", "origin", "kind", "outcome"), name="tom_bridge_one_tally"),
        )


class Success(models.Model):
    """When an event of a topic was last applied or a duplicate."""

    topic = models.CharField(max_length=249, primary_key=True)
    at = models.DateTimeField()


class Written(models.Model):
    """A row of the TOM that the bridge wrote, or caused a data processor to write: never published back."""

    model = models.CharField(max_length=100)
    """The model's label, ``tom_dataproducts.photometryreduceddatum``: a key alone means nothing."""
    key = models.BigIntegerField()
    event_id = models.UUIDField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("model", "key"), name="tom_bridge_written_once"),)


class ProductRun(models.Model):
    """A data product that is on its way into the TOM: what a killed process may have left is known by this row."""

    event_id = models.UUIDField(primary_key=True)
    product_id = models.TextField()
    file = models.TextField()
    """The name in the storage, known before the file is there."""
    product = models.BigIntegerField(null=True)
    """The primary key of the product, once there is one."""
    done = models.BooleanField(default=False)
    """Whether the data processor has ended well."""


# -- going out ----------------------------------------------------------------------------------------------------


class SelfShare(models.Model):
    """A target, or all members of a target list, that shares itself to a topic as its data grow."""

    target = models.ForeignKey("tom_targets.BaseTarget", null=True, blank=True, on_delete=models.CASCADE)
    target_list = models.ForeignKey("tom_targets.TargetList", null=True, blank=True, on_delete=models.CASCADE)
    topic = models.CharField(max_length=249)
    kinds = models.JSONField(default=list)
    """The kinds (:class:`bridge.events.Kind`) that are shared, by their words; empty: all that there are."""
    active = models.BooleanField(default=True)
    """The off switch."""
    expires = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    """Whose permission it needs; it rests while that person is deactivated, gone or may not share any more."""
    created = models.DateTimeField(default=timezone.now)
    title = models.CharField(max_length=500, blank=True, default="")
    message = models.TextField(blank=True, default="")
    acknowledgement = models.TextField(blank=True, default="")
    rests = models.CharField(max_length=500, blank=True, default="")
    """Why the relay passes over it, for people; empty while it shares."""
    looked_at = models.DateTimeField(null=True)
    """When the relay last looked for something new."""
    content = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the target list as it was last shared."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(target__isnull=True) ^ models.Q(target_list__isnull=True),
                name="tom_bridge_self_share_of_one",
            ),
            models.UniqueConstraint(fields=("target", "topic"), name="tom_bridge_self_share_target"),
            models.UniqueConstraint(fields=("target_list", "topic"), name="tom_bridge_self_share_list"),
        )


class SelfShareTarget(models.Model):
    """How far one target of a self-share is shared."""

    self_share = models.ForeignKey(SelfShare, on_delete=models.CASCADE, related_name="targets")
    target = models.ForeignKey("tom_targets.BaseTarget", on_delete=models.CASCADE, related_name="+")
    content = models.CharField(max_length=64, default="")
    """SHA-256 of the target as it was last shared, without its data; empty where it wasn't."""
    looked_at = models.DateTimeField(null=True, db_index=True)
    """When all of its data were last compared with what is shared; None where that is to be done."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("self_share", "target"), name="tom_bridge_self_share_once"),)


class Shared(models.Model):
    """A row of the TOM that was shared to a topic by itself, or looked at and left out: never again."""

    topic = models.CharField(max_length=249)
    model = models.CharField(max_length=100)
    """The model's label, as in :class:`Written`."""
    key = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("topic", "model", "key"), name="tom_bridge_shared_once"),)


class Progress(models.Model):
    """Up to which key of a model nothing new is to be expected: see :mod:`bridge.tomtoolkit.floors`."""

    model = models.CharField(max_length=100, primary_key=True)
    floor = models.BigIntegerField(default=0)
    floor_at = models.DateTimeField(null=True)
    newest = models.BigIntegerField(default=0)
    newest_at = models.DateTimeField()


class OutboxShare(models.Model):
    """One share: what a person, or a self-share, gave to be published."""

    share_id = models.UUIDField(primary_key=True)
    topic = models.CharField(max_length=249)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    shared_by = models.CharField(max_length=150, blank=True)
    """The name that travels; stays when the account goes."""
    title = models.CharField(max_length=500, blank=True)
    message = models.TextField(blank=True)
    created = models.DateTimeField(db_index=True)
    self_share = models.ForeignKey(SelfShare, null=True, on_delete=models.SET_NULL, related_name="shares")
    left_out = models.JSONField(default=dict)
    """How many things were left out, by the reason for people."""


class OutboxEvent(models.Model):
    """One event on its way to the stream. Its id is its place in the order."""

    class State(models.TextChoices):
        """How far an event has come; "sent" is what the stream has confirmed, and says nothing of who received it."""

        QUEUED = "queued"
        SENT = "sent"
        REFUSED = "refused"

    share = models.ForeignKey(OutboxShare, on_delete=models.CASCADE, related_name="events")
    event_id = models.UUIDField(unique=True)
    topic = models.CharField(max_length=249)
    key = models.BinaryField()
    """What keeps its order: :attr:`bridge.events.Event.key`."""
    kind = models.CharField(max_length=50)
    subject = models.CharField(max_length=200)
    """Name of the target or list."""
    target = models.ForeignKey("tom_targets.BaseTarget", null=True, on_delete=models.SET_NULL, related_name="+")
    items = models.IntegerField(default=1)
    """How many data (points, members, files) it has."""
    payload = models.BinaryField(null=True)
    """The event as JSON, as it was accepted; None some time after it was sent."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.TextField(blank=True, default="")
    """Why it is refused, or what it waits for, for people."""
    created = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("id",), condition=models.Q(state="queued"), name="tom_bridge_outbox_queued"),
            models.Index(fields=("sent_at",), condition=models.Q(payload__isnull=False), name="tom_bridge_outbox_kept"),
            models.Index(fields=("topic", "created"), name="tom_bridge_outbox_topic"),
        )


class Choice(models.Model):
    """A person's word that what is shared under a name means one target of this TOM, whatever else matches."""

    simple = models.CharField(max_length=200, unique=True)
    """The simplified name."""
    name = models.TextField()
    """The name as it was shared."""
    target = models.ForeignKey("tom_targets.BaseTarget", on_delete=models.CASCADE, related_name="+")
    chosen_by = models.CharField(max_length=150)
    chosen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = (("manage", "Can manage what is parked and what is dead at the bridge"),)


class RetryRequest(models.Model):
    """A dead letter that a person wants tried again by the daemon: a page has no time for it."""

    dead = models.BigIntegerField(unique=True)
    """The id of the dead letter, which may be gone by now."""
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)
