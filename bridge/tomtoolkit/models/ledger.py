"""The ledger: positions, outcomes, what waits, what is dead and what is done.

For :mod:`bridge.tomtoolkit.ledger` alone to change. The tables are those of :mod:`bridge.ledger.sqlite_tables`, by the
same names; what follows from what stands in :mod:`bridge.ledger.rules`.
"""

import uuid

from django.db import models

from bridge.tomtoolkit.models.fields import CommonText, Identity, Moment


class Installation(models.Model):
    """The one row that says who this TOM is on the stream, and sums up what is kept."""

    one = models.SmallIntegerField(primary_key=True, default=1)
    installation = models.UUIDField(default=uuid.uuid4)
    tom_identity = models.TextField(null=True)
    kept_bytes = models.BigIntegerField(default=0)
    """Of all records kept, and of what takes room in details beside them."""
    mailed_at = models.DateTimeField(null=True)
    """When the daily mail was last sent."""

    class Meta:
        permissions = (("share", "Can share targets and data over the bridge"),)


class Former(models.Model):
    """An earlier installation of this TOM: what it published is ours."""

    installation = models.UUIDField(primary_key=True)


class Position(models.Model):
    """Where the TOM stands in one partition."""

    topic = models.CharField(max_length=249)
    partition = models.IntegerField()
    topic_id = models.TextField()
    next_offset = models.BigIntegerField()
    tries = models.IntegerField(default=0)
    """How often what stands there was begun without an end."""
    tries_since = models.DateTimeField(null=True)
    alone_before = models.BigIntegerField(default=0)
    """Up to this offset each record is tried alone."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("topic", "partition"), name="tom_bridge_one_position"),)


class Entry(models.Model):
    """The outcome of one event of a record. In the order in which PostgreSQL needs least bytes."""

    record_offset = models.BigIntegerField()
    published_at = Moment(db_index=True)
    recorded_at = Moment()
    event_id = Identity(null=True, db_index=True)
    share_id = Identity(null=True)
    topic = CommonText()
    topic_id = CommonText()
    partition = models.IntegerField()
    number = models.IntegerField(default=0)
    """Which event of its record."""
    origin = CommonText()
    origin_name = CommonText()
    kind = CommonText()
    outcome = CommonText()
    reason = CommonText()
    """Empty where there is none."""
    shared_by = CommonText()
    counted = models.IntegerField(default=0)
    """Bytes of the detail that count as kept."""
    done = models.BooleanField(default=False)
    """Whether the event is done for ever: as a row of :class:`Done` says it when this one has gone."""
    subject = models.TextField()
    simple_subject = models.TextField()
    title = models.TextField()
    record_key = models.BinaryField(null=True)
    """None where it is what an event has that is told by this origin and subject, as nearly every one."""
    detail = models.TextField()
    """JSON as text: PostgreSQL's own type refuses a NUL, and a detail must cost no event."""

    class Meta:
        db_table = "tom_bridge_event"
        constraints = (
            models.UniqueConstraint(
                fields=("topic_id", "partition", "record_offset", "number"), name="tom_bridge_event_once"
            ),
        )
        indexes = (
            models.Index(fields=("simple_subject", "published_at"), name="tom_bridge_event_of_subject"),
            models.Index(fields=("origin", "published_at"), name="tom_bridge_event_of_origin"),
            models.Index(
                fields=("share_id",), condition=models.Q(share_id__isnull=False), name="tom_bridge_event_of_share"
            ),
        )


class ShareWords(models.Model):
    """What was said of a share, once for all of its events."""

    origin = models.TextField()
    share_id = Identity()
    said = models.TextField()
    """As :func:`bridge.ledger.rules.words_text` writes it."""
    counted = models.BigIntegerField()
    """Bytes of it that count as kept."""

    class Meta:
        db_table = "tom_bridge_words"
        constraints = (models.UniqueConstraint(fields=("share_id", "origin"), name="tom_bridge_words_once"),)


class OriginName(models.Model):
    """Whose a display name is: that of the first origin that used it here."""

    simple = models.CharField(max_length=200, primary_key=True)
    """As :func:`bridge.origins.name_key` compares it."""
    origin = models.TextField()

    class Meta:
        db_table = "tom_bridge_origin_name"


class Kept(models.Model):
    """The record of something that waits or is dead: its beginning alone where the stream has to be asked again."""

    topic = models.CharField(max_length=249)
    topic_id = models.CharField(max_length=300)
    partition = models.IntegerField()
    record_offset = models.BigIntegerField()
    published_at = models.DateTimeField()
    record_key = models.BinaryField(null=True)
    value = models.BinaryField()
    headers = models.TextField()
    """As :func:`bridge.ledger.cut.headers_text` writes them."""
    size = models.BigIntegerField()
    """Bytes of the whole value."""
    sha256 = models.CharField(max_length=64)
    """Of the whole value."""
    whole = models.BooleanField()
    bytes = models.BigIntegerField()
    """What counts of it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("topic_id", "partition", "record_offset"), name="tom_bridge_kept_once"),
        )


class Parked(models.Model):
    """Something that waits: a whole event, or one member of a list. Ids are never used again."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="parked")
    member = models.TextField()
    reason = models.CharField(max_length=50)
    detail = models.TextField()
    counted = models.BigIntegerField(default=0)
    line = models.CharField(max_length=64)
    """SHA-256 of what its line is told by: a key may be longer than an index of PostgreSQL takes."""
    record_offset = models.BigIntegerField()
    number = models.IntegerField(default=0)
    holds = models.BooleanField()
    """Whether it holds back what comes later in its line."""
    due_at = models.DateTimeField(null=True)
    looks = models.IntegerField(default=0)
    tries = models.IntegerField(default=0)

    class Meta:
        db_table = "tom_bridge_waiting"
        constraints = (models.UniqueConstraint(fields=("entry", "member"), name="tom_bridge_waiting_once"),)
        indexes = (
            models.Index(
                fields=("line", "record_offset", "number"),
                condition=models.Q(holds=True),
                name="tom_bridge_waiting_in_line",
            ),
            models.Index(fields=("due_at",), condition=models.Q(due_at__isnull=False), name="tom_bridge_waiting_due"),
            models.Index(fields=("reason",), name="tom_bridge_waiting_reason"),
        )


class ParkedName(models.Model):
    """A simplified name under which something parked is looked for."""

    simple = models.TextField()
    parked = models.ForeignKey(Parked, on_delete=models.CASCADE, related_name="names")

    class Meta:
        db_table = "tom_bridge_waiting_name"
        constraints = (models.UniqueConstraint(fields=("simple", "parked"), name="tom_bridge_waiting_named"),)


class Dead(models.Model):
    """A dead letter: a whole event, or one member of a list. Ids are never used again."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="dead")
    member = models.TextField()
    reason = models.CharField(max_length=50)
    detail = models.TextField()
    counted = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tom_bridge_letter"
        constraints = (models.UniqueConstraint(fields=("entry", "member"), name="tom_bridge_letter_once"),)
        indexes = (models.Index(fields=("reason",), name="tom_bridge_letter_reason"),)


class Done(models.Model):
    """What is known for ever of an event that was settled here (:class:`bridge.ledger.model.Witness`).

    Of one that is done and has an entry that says so there is nothing here yet: :attr:`Entry.done`.
    """

    event_id = Identity()
    origin = CommonText()
    witness = CommonText()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event_id", "origin"), name="tom_bridge_witness_once"),)


class Intent(models.Model):
    """What may have been begun by a process that was killed."""

    origin = models.TextField()
    """Empty where an earlier release noted it."""
    event_id = models.UUIDField()
    step = models.CharField(max_length=200)

    class Meta:
        db_table = "tom_bridge_begun"
        constraints = (models.UniqueConstraint(fields=("event_id", "origin", "step"), name="tom_bridge_begun_once"),)


class List(models.Model):
    """Which local target list belongs to a shared one."""

    origin = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    handle = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("origin", "name"), name="tom_bridge_one_list"),)


class Tally(models.Model):
    """How many events of a topic, origin and kind had an outcome."""

    topic = models.CharField(max_length=249)
    origin = models.TextField()
    kind = models.TextField()
    outcome = models.CharField(max_length=20)
    events = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("topic", "origin", "kind", "outcome"), name="tom_bridge_one_tally"),
        )


class Success(models.Model):
    """When an event of a topic was last applied or a duplicate."""

    topic = models.CharField(max_length=249, primary_key=True)
    at = models.DateTimeField()


class Heartbeat(models.Model):
    """What a process that consumes said of itself last."""

    process = models.CharField(max_length=300, primary_key=True)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    state = models.TextField()
    ended = models.BooleanField(default=False)
