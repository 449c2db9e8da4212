"""What follows from what in a ledger: pure, and the same for every store.

A store asks here what an outcome means for the rows beside it: what is kept of a record, what holds back what, when
something is looked at again, what may be forgotten.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any
from uuid import UUID

from bridge.events import (
    LONGEST_ACKNOWLEDGEMENT,
    LONGEST_MESSAGE,
    LONGEST_REFERENCE,
    MAX_REFERENCES,
    EventRef,
    ShareRef,
)
from bridge.events.columns import Column, once
from bridge.ledger.model import Detail, Entry, Outcome, Reason, ShareWords, ToKeep
from bridge.names import simplify

SUCCESS = frozenset({Outcome.APPLIED, Outcome.DUPLICATE})
PASSING = frozenset(
    {
        Reason.NO_TARGET,
        Reason.AMBIGUOUS,
        Reason.AMBIGUOUS_SPELLING,
        Reason.POSITION_DISAGREES,
        Reason.WAITS_BEHIND,
        Reason.NEWER_VERSION,
    }
)
"""Reasons that pass by themselves, or by a person's choice: what has one is parked, not dead."""
BAD_IN_ITSELF = frozenset(
    {
        Reason.UNREADABLE,
        Reason.UNDECODABLE,
        Reason.UNKNOWN_SCHEMA,
        Reason.INVALID,
        Reason.OTHER_CONTENT,
        Reason.ANOTHERS,
        Reason.NEWER_NO_ROOM,
    }
)
"""Reasons that lie in a record alone, whatever the TOM: they stop nobody, and little of such a record is kept."""
HEAD_BYTES = 4096
"""How much is kept of the value of a record that is bad in itself; the stream has all of it."""
HEADS_UP_TO = 64 * 1024 * 1024
"""Bytes that are kept in all from which on nothing is kept of such a record but what tells it: else a flood of them
would fill the quota, and stop the consumer."""
FREE_DETAIL_BYTES = 1024
"""What a detail, or the words of a share, may take that is not counted as kept."""
LONGEST_TEXT = 500
"""Characters of a text of an outcome or within a detail."""
_LONGEST = {"origin": 100, "kind": 100}
"""Characters of what is counted by; no origin or kind that is valid is longer."""
LONGEST_KEY = 1024
"""Bytes of the key of an outcome; that of an event is always shorter."""
_TEXTS = ("origin", "origin_name", "kind", "subject", "shared_by", "title")
_texts_of = attrgetter(*_TEXTS)
_LONGEST_OF_BAD = 100
"""Characters of a text of an outcome that is bad in itself: a flood of them is to cost little."""
_LONGEST_KEY_OF_BAD = 256
_DETAIL_OF_BAD = 80
"""Characters of a text in its detail, where that would else be counted as kept: a stranger would fill the quota."""
_AS_IT_IS = json.JSONEncoder(allow_nan=False).encode
_LONGEST_WAIT = timedelta(hours=1)
LONGEST_PUT_OFF = timedelta(days=1)
"""Nothing is put off for longer: where something seems to be, the clock was set back."""


class Keep(Enum):
    """How much of a record is kept."""

    NOTHING = "nothing"
    HEAD = "head"
    WHOLE = "whole"


def head_bytes(kept: int) -> int:
    """Return how much is kept of a record that is bad in itself where ``kept`` bytes are kept in all."""
    return HEAD_BYTES if kept < HEADS_UP_TO else 0


def is_parked(reason: Reason) -> bool:
    """Return whether what is kept for ``reason`` is parked; else it is a dead letter."""
    return reason in PASSING


def kept(reasons: Collection[Reason]) -> Keep:
    """Return how much is kept of a record of which something is parked or dead for these ``reasons``."""
    if not reasons:
        return Keep.NOTHING
    return Keep.HEAD if BAD_IN_ITSELF.issuperset(reasons) else Keep.WHOLE


def check(entry: Entry, keep: Sequence[ToKeep], *, of_all: bool) -> None:
    """Raise ValueError where the outcome of an event and what is kept of it contradict each other.

    ``of_all``: ``keep`` says it of all of the event, and not of some members alone.
    """
    whole = [one for one in keep if not one.member]
    waits = [is_parked(one.reason) for one in keep]
    match entry.outcome:
        case Outcome.PARKED:
            right = (any(waits) or not of_all) and all(is_parked(one.reason) for one in whole)
        case Outcome.DEAD:
            right = (not all(waits) or not of_all) and not any(is_parked(one.reason) for one in whole)
        case Outcome.APPLIED | Outcome.DUPLICATE:
            right = not whole
        case _:
            right = not keep
    if not right:
        told = ", ".join(f"{one.member or 'all of it'}: {one.reason}" for one in keep) or "nothing"
        raise ValueError(f"{entry.where} is {entry.outcome}, but of it is kept: {told}")


def holds_back(reason: Reason, member: str) -> bool:
    """Return whether something parked holds back later events of its line.

    List members and what only awaits an upgrade hold nothing back.
    """
    return not member and reason is not Reason.NEWER_VERSION


def ends_intents(entry: Entry) -> bool:
    """Return whether nothing that was begun for an event will be asked of the TOM again, though it isn't done."""
    return entry.reason is Reason.DROPPED


def stands(there: Entry | None, new: Entry) -> Entry:
    """Return what is recorded of an event whose place has ``there``, and of which a later look says ``new``.

    What was applied stays so when a later look finds it there, does not want it any more, or can't read it. Never where
    another event is at that place by now, and not of a list that is applied in part.
    """
    if there is None or there.outcome not in SUCCESS or there.is_part or new.event_id not in {None, there.event_id}:
        return new
    unread = new.event_id is None or new.reason in BAD_IN_ITSELF or new.reason is Reason.UNFINISHED
    if new.outcome is Outcome.IGNORED or unread:
        return there
    return there if there.outcome is Outcome.APPLIED and new.outcome is Outcome.DUPLICATE else new


def due(reason: Reason, looks: int, now: datetime, first: timedelta) -> datetime | None:
    """Return when something is looked at again by itself that was looked at ``looks`` times in vain.

    After ``first``, then after twice as long each time, an hour at most. What waits behind another goes with it, and is
    looked at once an hour all the same: another process may let that go in the very moment in which it comes to wait.
    What has no target is looked for by its names, and is put off alone where one of them was there and did not help.
    """
    if reason is Reason.WAITS_BEHIND:
        return now + _LONGEST_WAIT
    if reason is Reason.NO_TARGET and looks == 0:
        return None
    wait: timedelta = first * 2 ** min(looks, 16)
    return now + min(wait, max(_LONGEST_WAIT, first), LONGEST_PUT_OFF)


def storable(text: str) -> str:
    """Return ``text`` as every database can hold it: lone surrogates and NULs as question marks."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text.replace("\x00", "?") if "\x00" in text else text


def fitting(entry: Entry) -> Entry:
    """Return ``entry`` as every store can hold it: what others send must cost no event, and not fill a ledger.

    Its texts are storable and cut, and so is its key; its detail is what :func:`detail_text` makes of it.
    """
    changed = {name: fits for name, (fits,) in _fitting([entry]).items() if fits != getattr(entry, name)}
    return replace(entry, **changed) if changed else entry


def _fitting(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """Return the texts and keys of entries as :func:`fitting` has them, by column: each text that many have once."""
    bad = [row for row, entry in enumerate(entries) if entry.reason in BAD_IN_ITSELF]
    texts = zip(*map(_texts_of, entries), strict=True)
    found: dict[str, list[Any]] = {}
    for name, column in zip(_TEXTS, texts, strict=True):
        fits = {text: _cut(text, _LONGEST.get(name, LONGEST_TEXT)) for text in set(column)}
        found[name] = [fits[text] for text in column]
    keys = [entry.key if len(entry.key) <= LONGEST_KEY else entry.key[:LONGEST_KEY] for entry in entries]
    for row in bad:
        for name in _TEXTS:
            found[name][row] = _cut(found[name][row], _LONGEST_OF_BAD)
        keys[row] = keys[row][:_LONGEST_KEY_OF_BAD]
    return found | {"key": keys}


def key_of(ref: EventRef | ShareRef) -> tuple[str, UUID]:
    """Return origin and id of an event or a share as a store looks for them."""
    return _cut(ref.origin, _LONGEST["origin"]), ref.id


def keeps_words(entry: Entry) -> bool:
    """Return whether what was said of the share of an event is kept: not of what nobody here wanted or could read.

    The first words of a share stay, and go with the last outcome of it.
    """
    unwanted = entry.outcome is Outcome.IGNORED or entry.reason in BAD_IN_ITSELF
    return entry.share_id is not None and not unwanted


def words_text(words: ShareWords) -> str:
    """Return words as JSON, within the bounds of an event's fields."""
    return json.dumps(
        {
            "message": _cut(words.message, LONGEST_MESSAGE),
            "acknowledgement": _cut(words.acknowledgement, LONGEST_ACKNOWLEDGEMENT),
            "references": [_cut(one, LONGEST_REFERENCE) for one in words.references[:MAX_REFERENCES]],
        },
        ensure_ascii=False,
    )


def words_of(text: str) -> ShareWords:
    """Return what :func:`words_text` wrote."""
    found = json.loads(text)
    return ShareWords(**found | {"references": tuple(found["references"])})


def bounded(detail: Detail, longest: int = LONGEST_TEXT) -> Detail:
    """Return ``detail`` as JSON can hold it, with its long texts cut."""
    return {_cut(str(name), longest): _bounded(value, longest) for name, value in detail.items()}


def _bounded(value: object, longest: int) -> object:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return bounded(value, longest)
        case list() | tuple():
            return [_bounded(one, longest) for one in value]
        case set() | frozenset():
            return [_bounded(one, longest) for one in sorted(value, key=str)]
        case _:
            return _cut(str(value), longest)


def _cut(text: str, longest: int = LONGEST_TEXT) -> str:
    if len(text) <= longest and text.isascii() and "\x00" not in text:
        return text  # as nearly every one
    text = storable(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def detail_text(detail: Detail, reason: Reason | None = None) -> str:
    """Return the detail of an outcome, or of what is kept for ``reason``, as bounded JSON.

    What JSON doesn't know becomes a list or its text: it must cost no event.
    """
    if (short := _short(detail)) is not None:
        return short
    text = json.dumps(bounded(detail))
    if reason in BAD_IN_ITSELF and counted_bytes(text):
        text = json.dumps(bounded(detail, _DETAIL_OF_BAD))
    return text


def _short(detail: Detail) -> str | None:
    """Return the JSON of a detail that is within all bounds as it is, as nearly every one; None where it may not be."""
    try:
        text = _AS_IT_IS(detail)
    except (ValueError, TypeError, RecursionError):
        return None  # what JSON doesn't know
    # Shorter than each of its texts may be, and nothing in it that was escaped.
    return text if len(text) <= LONGEST_TEXT and "\\u" not in text else None


def columns(entries: Sequence[Entry]) -> dict[str, Column]:
    """Return what every store records of entries in the same form, by column, each of them as :func:`fitting` has it.

    Times and ids each has in its own form. What many entries have is made once.
    """
    texts = _fitting(entries)
    reasons = [entry.reason for entry in entries]
    details = once(detail_text, [entry.detail for entry in entries], reasons)
    simple = {subject: simplify(subject) for subject in set(texts["subject"])}
    return {
        "topic": [entry.partition.topic for entry in entries],
        "topic_id": [entry.topic_id for entry in entries],
        "partition": [entry.partition.number for entry in entries],
        "record_offset": [entry.offset for entry in entries],
        "number": [entry.number for entry in entries],
        "outcome": [entry.outcome.value for entry in entries],
        "reason": [None if reason is None else reason.value for reason in reasons],
        "detail": details,
        "counted": once(counted_bytes, details),
        **{name: texts[name] for name in _TEXTS},
        "simple_subject": [simple[subject] for subject in texts["subject"]],
        "record_key": texts["key"],
    }


def counted_bytes(text: str) -> int:
    """Return how many bytes of a detail, or of the words of a share, count as kept."""
    return max(0, len(text.encode()) - FREE_DETAIL_BYTES)
