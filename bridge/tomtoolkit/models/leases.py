"""Who does what only one process of the TOM does at a time."""

from django.db import models


class Lease(models.Model):
    """What one process of the TOM does at a time, and which one. For :mod:`bridge.tomtoolkit.database.leases` alone."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.UUIDField()
    """The holder's own id."""
    until = models.DateTimeField()
    """When it lapses, by the database's clock, unless it is renewed before."""
    process = models.CharField(max_length=300)
    """The holder's process, for people."""
    machine = models.CharField(max_length=200)
    """The running system that the holder's process is of; empty where that can't be told."""
    pid = models.IntegerField()
