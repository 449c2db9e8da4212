"""What the bridge wrote into the TOM, what is on its way in, and what a person decided about what arrives."""

from django.db import models

from bridge.tomtoolkit.models.fields import CommonText


class Written(models.Model):
    """Rows of the TOM that the bridge wrote, or caused a data processor to write: never published back.

    A run of keys that one transaction got, for datums of one event or of several; no two runs overlap.
    """

    first = models.BigIntegerField()
    last = models.BigIntegerField()
    """The last key, which is one of the run."""
    model = CommonText()
    """The model's label, ``tom_dataproducts.photometryreduceddatum``: a key alone means nothing."""
    parts = models.BinaryField()
    """Whose rows these are, in their order (:class:`bridge.tomtoolkit.rows.noted.Part`)."""
    digests = models.BinaryField()
    """For each row what tells whether it is still as it was written
    (:func:`bridge.tomtoolkit.receiving.written.digest`); empty where an earlier release noted it."""

    class Meta:
        db_table = "tom_bridge_written_run"
        constraints = (models.UniqueConstraint(fields=("model", "last"), name="tom_bridge_run_last"),)


class ProductRun(models.Model):
    """A data product that is on its way into the TOM: what a killed process may have left is known by this row."""

    origin = models.CharField(max_length=100)
    """Of the event; empty in a run that an earlier release began, which is undone."""
    event_id = models.UUIDField()
    product_id = models.TextField()
    file = models.TextField()
    """The name in the storage, known before the file is there (unless the storage gives it another)."""
    product = models.BigIntegerField(null=True)
    """The primary key of the product, once there is one."""
    done = models.BooleanField(default=False)
    """Whether the data processor has ended well."""
    notes = models.JSONField(default=list)
    """What people are to know of it: why the file is not processed, or has another name."""

    class Meta:
        db_table = "tom_bridge_product_run"
        constraints = (models.UniqueConstraint(fields=("event_id", "origin"), name="tom_bridge_product_once"),)


class Choice(models.Model):
    """A person's word that what is shared under a name means one target of this TOM, whatever else matches."""

    simple = models.CharField(max_length=200, unique=True)
    """The name as :func:`bridge.names.spelling` has it."""
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
