"""Publishing: all is checked before the first event leaves, and it is durable when it is said to be."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from bridge.codec import LARGEST_EVENT, LARGEST_PRODUCT_EVENT, split
from bridge.errors import ConfigurationError, EventError
from bridge.events import Body, Data, Event, Kind, Share, TargetReference
from bridge.hermes.composing import Composed, compose
from bridge.operations.opening import opened_ledger
from bridge.operations.posting import post
from bridge.publishing.publisher import Publisher
from bridge.publishing.sources.errors import SourceError
from bridge.settings import Settings
from bridge.stream import Stream
from bridge.topics import split as split_topic


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a person says of a share; None: as configured."""

    title: str = ""
    message: str = ""
    acknowledgement: str | None = None
    shared_by: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was published, or would be (a dry run)."""

    topic: str
    share_ids: tuple[UUID, ...]
    events: int
    """As handed over; ``records`` counts the parts of those that were split."""
    records: int
    by_kind: dict[str, int]
    datums: int
    foreign: int
    """Events whose origin is not this TOM: published as they are."""
    not_carried: tuple[str, ...]
    """What the topic's format has no way to carry, a line each."""
    assumed: tuple[str, ...]
    """What is assumed of data that go, because the topic's format wants it said, a line each."""
    dry_run: bool


def topic_for(settings: Settings, topic: str | None) -> str:
    """Return the topic to publish on: the given one, or the configured one. Raises ConfigurationError."""
    if chosen := topic or settings.publish.topic:
        if problem := settings.unwelcome(chosen):
            raise problem
        return chosen
    raise ConfigurationError("is missing", where="publish.topic", mend="Set it under [publish], or say --topic")


def new_share(settings: Settings, words: Words) -> Share:
    """Return the envelope of a new share of this TOM. Raises ConfigurationError, SourceError."""
    defaults = settings.publish
    origin = settings.require_origin()
    with opened_ledger(settings) as ledger:
        installation = ledger.installation
    try:
        return Share(
            origin=origin,
            origin_name=settings.display_name,
            installation=installation,
            shared_by=defaults.shared_by if words.shared_by is None else words.shared_by,
            title=words.title,
            message=words.message,
            acknowledgement=defaults.acknowledgement if words.acknowledgement is None else words.acknowledgement,
            references=words.references,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise SourceError(str(problem["msg"]), where=".".join(str(part) for part in problem["loc"])) from None


def reference(name: str) -> TargetReference:
    """Return a reference to a target by its name alone. Raises SourceError."""
    try:
        return TargetReference(name=name)
    except ValidationError as error:
        what = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise SourceError(what, where=f"target {name[:40]!r}") from None


def events_of(share: Share, bodies: Sequence[Body]) -> list[Event]:
    """Return one event of ``share`` for each body, in order."""
    return [share.event(body) for body in bodies]


def check(stream: Stream, topic: str, events: Sequence[Event], *, schema_topic: str | None, source: str) -> int:
    """Make sure that all ``events`` can be published on ``topic``; return how many records they make.

    ``schema_topic`` None: no schemas are kept beside it. Raises TopicMissingError, and SourceError with each event that
    is too large.
    """
    for needed in (topic, schema_topic):
        if needed is not None:
            stream.identity(needed)
    most = stream.largest_value(topic)
    problems: list[str] = []
    records = 0
    for event in events:
        largest = LARGEST_PRODUCT_EVENT if event.kind is Kind.DATA_PRODUCT else LARGEST_EVENT
        try:
            records += len(split(event, min(largest, most)))
        except EventError as error:
            problems.append(str(error))
    if problems:
        raise SourceError.of(source, problems)
    return records


def composed_for(settings: Settings, stream: Stream, topic: str, events: Sequence[Event], *, source: str) -> Composed:
    """Return ``events`` as messages of Hermes for ``topic``, each small enough for it.

    Raises TopicMissingError, and SourceError with the reasons where nothing of them can go there.
    """
    how = settings.publish.of(topic)
    largest = how.largest_bytes if how.over_rest else min(how.largest_bytes, stream.largest_value(topic))
    found = compose(events, split_topic(topic)[1], largest_bytes=largest, over_rest=how.over_rest)
    if not found.messages:
        raise SourceError.of(source, [str(one) for one in found.not_carried])
    return found


def publish(
    settings: Settings,
    stream: Stream,
    events: Sequence[Event],
    *,
    topic: str | None = None,
    source: str,
    dry_run: bool = False,
    timeout_s: float | None = 60.0,
    progress: Callable[[int], object] = lambda _done: None,
) -> Published:
    """Check all ``events``, then publish them, in the topic's format; durable when this returns.

    ``source`` names where they come from, for messages; ``progress`` hears how many were handed over (over Hermes'
    REST API: how many the requests until now make up, as each message takes two). Raises
    TopicMissingError, SourceError (nothing was published then), and AwayError where the stream did not take all within
    ``timeout_s``; over Hermes' REST API also what :func:`~bridge.operations.posting.post` raises.
    """
    chosen = topic_for(settings, topic)
    not_carried: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    how = settings.publish.of(chosen)
    if how.format == "hermes":
        composed = composed_for(settings, stream, chosen, events, source=source)
        not_carried = tuple(str(one) for one in composed.not_carried)
        assumed = tuple(str(one) for one in composed.assumed)
        records = len(composed.messages)
        if how.over_rest:
            post(
                settings, chosen, composed.messages, source=source, dry_run=dry_run,
                progress=lambda part: progress(int(part * len(events))),
            )  # fmt: skip
        elif not dry_run:
            for message in composed.messages:
                headers = message.headers(stream.account(chosen))
                stream.publish(chosen, key=message.key, value=message.value, headers=headers)
            progress(len(events))
            stream.flush(timeout_s)
    else:
        records = check(stream, chosen, events, schema_topic=settings.schema_topic_of(chosen), source=source)
        if not dry_run:
            publisher = Publisher(stream, chosen, schema_topic=settings.schema_topic_of, announce_timeout_s=timeout_s)
            for done, event in enumerate(events, 1):
                publisher.publish(event)
                progress(done)
            publisher.flush(timeout_s)
    return Published(
        topic=chosen,
        share_ids=tuple(dict.fromkeys(event.share_id for event in events)),
        events=len(events),
        records=records,
        by_kind=dict(Counter(str(event.kind) for event in events)),
        datums=sum(len(event.body.datums) for event in events if isinstance(event.body, Data)),
        foreign=sum(event.origin != settings.origin for event in events),
        not_carried=not_carried,
        assumed=assumed,
        dry_run=dry_run,
    )


def check_file(path: Path) -> None:
    """Raise SourceError where there is no such file, before anything else is asked for."""
    if not path.is_file():
        raise SourceError("there is no such file", where=str(path))
