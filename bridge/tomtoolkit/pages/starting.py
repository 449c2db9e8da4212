"""Letting a target or a list share itself, never in place of what somebody else has started without being asked."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.db.models import Max
from django.utils import timezone

from bridge.errors import InvalidEventError
from bridge.tomtoolkit.models import OutboxEvent, SelfShare
from bridge.tomtoolkit.pages import words

Subject = Mapping[str, int]
"""``target_id`` or ``target_list_id``."""


def started(subject: Subject) -> list[Any]:
    """Return how a target or a list shares itself already, one a topic; each with ``sent``, when it last sent."""
    rows = list(SelfShare.objects.filter(**subject).select_related("created_by").order_by("topic"))
    for row in rows:
        sent = OutboxEvent.objects.filter(share__self_share=row, state=OutboxEvent.State.SENT)
        row.sent = sent.aggregate(sent=Max("sent_at"))["sent"]
        row.told = in_words(row)
    return rows


def anothers(user: Any, subject: Subject, topic: str) -> Any:
    """Return the self-share that somebody else has started to that topic; None where there is none."""
    found = SelfShare.objects.filter(**subject, topic=topic).exclude(created_by=user).select_related("created_by")
    return found.exclude(created_by=None).first()


def in_words(row: Any) -> str:
    """Return what a self-share does, for people."""
    what = ", ".join(words.name(kind) for kind in row.kinds) or "everything"
    until = f"until {timezone.localtime(row.expires):%Y-%m-%d}" if row.expires is not None else "without an end"
    state = "" if row.active else ", switched off"
    return f"{what} to {row.topic}, {until}{state}, started by {row.created_by or 'an account that is gone'}"


def let_share_itself(
    user: Any, subject: Subject, said: Mapping[str, str], expires: Any, kinds: list[str], *, take_over: bool
) -> None:
    """Let a target or a list share itself, or go on doing so as ``said``.

    Raises InvalidEventError where somebody else lets it do so, unless ``take_over``.
    """
    other = anothers(user, subject, said["topic"])
    if other is not None and not take_over:
        raise InvalidEventError(
            f"it shares itself already: {in_words(other)}", mend="Say that yours is to take its place"
        )
    SelfShare.objects.update_or_create(
        **subject,
        topic=said["topic"],
        defaults={
            "active": True,
            "expires": end_of(expires),
            "kinds": kinds,
            "created_by": user,
            "title": said["title"],
            "message": said["message"],
            "rests": "",
        },
    )


def end_of(day: Any) -> datetime | None:
    """Return the end of ``day`` in the TOM's time zone; None stays None: without an end."""
    return None if day is None else timezone.make_aware(datetime.combine(day, time.max))
