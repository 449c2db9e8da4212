"""What was said of a share, where two processes of the TOM keep it at one moment."""

from typing import Any

import pytest
from parts.django_tom import InProcessTom

from bridge.events import ShareRef, uuid7
from bridge.ledger import rules
from bridge.ledger.model import ShareWords

FIRST, SECOND = ShareWords(message="1" * 3000), ShareWords(message="2" * 3000)


def test_of_two_that_keep_words_at_one_moment_each_counts_what_it_kept(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.tomtoolkit.ledger import words
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()
    there, new = ShareRef("north", uuid7()), ShareRef("north", uuid7())
    with ledger.unit() as unit:
        unit.keep_words({there: FIRST})
    rows = words._rows

    def not_seen_yet(using: str, shares: Any) -> Any:
        monkeypatch.setattr(words, "_rows", rows)
        return rows(using, shares).none()

    monkeypatch.setattr(words, "_rows", not_seen_yet)
    with ledger.unit() as unit:
        unit.keep_words({there: SECOND, new: SECOND})
    assert ledger.words([there, new]) == {there: FIRST, new: SECOND}
    assert ledger.kept_bytes() == sum(rules.counted_bytes(rules.words_text(one)) for one in (FIRST, SECOND))
    ledger.close()
