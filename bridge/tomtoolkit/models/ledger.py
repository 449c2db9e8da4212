"""The ledger: positions, outcomes, what is parked and what is dead.

For :mod:`bridge.tomtoolkit.ledger` alone to change. A record is told by its place and the stream's time of it, as in
:mod:`bridge.ledger.sqlite_schema`.
"""

import uuid

from django.db import models


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
