"""What was said of shares, in the app's ledger: kept once for all events of a share, and forgotten with the last."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from bridge.events import ShareRef
from bridge.ledger import rules
from bridge.ledger.model import ShareWords
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, chunks


def found(using: str, shares: Collection[ShareRef]) -> dict[ShareRef, ShareWords]:
    """Return what was said of these shares, of those of which anything is kept."""
    wanted = {rules.key_of(share): share for share in shares}
    rows = (row for chunk in chunks(list(wanted)) for row in _rows(using, chunk))
    return {wanted[row.origin, row.share_id]: rules.words_of(row.said) for row in rows}


def keep(using: str, said: Mapping[ShareRef, ShareWords]) -> int:
    """Keep what was said of shares of which nothing is kept yet; return how many bytes more count by that."""
    rows = {rules.key_of(share): words for share, words in sorted(said.items())}
    there = {(row.origin, row.share_id) for chunk in chunks(list(rows)) for row in _rows(using, chunk).defer("said")}
    new = [_row(share, words) for share, words in rows.items() if share not in there]
    if not new:
        return 0
    table = models.ShareWords.objects.using(using)
    try:
        with transaction.atomic(using=using):
            table.bulk_create(new, batch_size=MANY)
    except IntegrityError:  # another process keeps the words of one of them in this moment
        made = [
            table.get_or_create(
                origin=row.origin, share_id=row.share_id, defaults={"said": row.said, "counted": row.counted}
            )
            for row in new
        ]
        new = [row for row, is_new in made if is_new]
    return sum(row.counted for row in new)


def forget(using: str, shares: Collection[tuple[str, UUID]]) -> int:
    """Forget what was said of those of these shares of which no outcome is left; return how many bytes less count."""
    of_share = models.Entry.objects.using(using).filter(share_id=OuterRef("share_id"), origin=OuterRef("origin"))
    fewer = 0
    for chunk in chunks(sorted(shares)):
        gone = list(_rows(using, chunk).select_for_update().filter(~Exists(of_share)).defer("said"))
        rows = models.ShareWords.objects.using(using).filter(pk__in=[row.pk for row in gone])
        rows._raw_delete(using)  # nothing hangs on them
        fewer += sum(row.counted for row in gone)
    return fewer


def _rows(using: str, shares: Sequence[tuple[str, UUID]]) -> QuerySet[models.ShareWords]:
    of_origin: dict[str, list[UUID]] = {}
    for origin, share_id in shares:
        of_origin.setdefault(origin, []).append(share_id)
    wanted = Q(pk__in=[])
    for origin, ids in of_origin.items():
        wanted |= Q(origin=origin, share_id__in=ids)
    return models.ShareWords.objects.using(using).filter(wanted)


def _row(share: tuple[str, UUID], words: ShareWords) -> models.ShareWords:
    text = rules.words_text(words)
    return models.ShareWords(origin=share[0], share_id=share[1], said=text, counted=rules.counted_bytes(text))
