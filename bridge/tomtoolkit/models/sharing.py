"""What is on its way out, and what shares itself. For :mod:`bridge.tomtoolkit.sharing` alone to change.

The pages make self-shares and switch them on and off.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone


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


class LeftOut(models.Model):
    """Something of a self-share that could not be shared: why, and when it is tried again."""

    self_share = models.ForeignKey(SelfShare, on_delete=models.CASCADE, related_name="left_out")
    kind = models.CharField(max_length=50, blank=True)
    """The kind of what is left out; empty: all that is new of the target."""
    target = models.ForeignKey("tom_targets.BaseTarget", null=True, on_delete=models.CASCADE, related_name="+")
    """None for the target list itself."""
    product = models.ForeignKey("tom_dataproducts.DataProduct", null=True, on_delete=models.CASCADE, related_name="+")
    reason = models.TextField()
    """For people."""
    since = models.DateTimeField()
    tries = models.IntegerField(default=1)
    due = models.DateTimeField(db_index=True)


class Shared(models.Model):
    """A row of the TOM that was shared to a topic by itself, or looked at and left out: never again."""

    topic = models.CharField(max_length=249)
    model = models.CharField(max_length=100)
    """The model's label, as in :class:`Written`."""
    key = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("topic", "model", "key"), name="tom_bridge_shared_once"),)


class Progress(models.Model):
    """Up to which key of a model nothing new is to be expected: see :mod:`bridge.tomtoolkit.sharing.floors`."""

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
    """One event, or one message of several, on its way to the stream. Its id is its place in the order."""

    class State(models.TextChoices):
        """How far an event has come: see :class:`bridge.publishing.outbox.State`."""

        QUEUED = "queued"
        SENT = "sent"
        REFUSED = "refused"
        UNCLEAR = "unclear"

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
    """What was accepted, as :attr:`format` says; None some time after it was sent."""
    format = models.CharField(max_length=20, default="tom-bridge")
    """An event as JSON (:data:`bridge.publishing.outbox.EVENT`), or a message of Hermes."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.TextField(blank=True, default="")
    """Why it is refused, what it waits for, or why it isn't known whether it was taken, for people."""
    created = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    """Of one that is unclear: when it was tried."""

    class Meta:
        indexes = (
            models.Index(fields=("id",), condition=models.Q(state="queued"), name="tom_bridge_outbox_queued"),
            models.Index(fields=("id",), condition=models.Q(state="unclear"), name="tom_bridge_outbox_unclear"),
            models.Index(fields=("sent_at",), condition=models.Q(payload__isnull=False), name="tom_bridge_outbox_kept"),
            models.Index(fields=("topic", "created"), name="tom_bridge_outbox_topic"),
        )
