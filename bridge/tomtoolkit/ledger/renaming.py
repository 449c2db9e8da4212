"""A topic that is called otherwise, because its stream is: what the ledger has of it goes by the new name."""

from django.db.models import Count, F

from bridge.tomtoolkit import models


def rename_topic(using: str, topic_id: str, old: str, new: str) -> None:
    """Call the topic of this identity ``new`` where it is called ``old``; to be called within a transaction."""
    named = {"topic_id": topic_id, "topic": old}
    if not models.Position.objects.using(using).filter(**named).update(topic=new):
        return
    entries = models.Entry.objects.using(using).filter(**named)
    _move_counts(using, list(entries.values("origin", "kind", "outcome").annotate(events=Count("pk"))), old, new)
    entries.update(topic=new)
    models.Kept.objects.using(using).filter(**named).update(topic=new)
    successes = models.Success.objects.using(using)
    for at in list(successes.filter(topic=old).values_list("at", flat=True)):
        successes.update_or_create(topic=new, defaults={"at": at})
    successes.filter(topic=old).delete()


def _move_counts(using: str, counted: list[dict[str, object]], old: str, new: str) -> None:
    tallies = models.Tally.objects.using(using)
    for one in counted:
        events = one.pop("events")
        tallies.filter(topic=old, **one).update(events=F("events") - events)
        row, made = tallies.get_or_create(topic=new, **one, defaults={"events": events})
        if not made:
            tallies.filter(pk=row.pk).update(events=F("events") + events)
