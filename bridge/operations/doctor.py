"""Whether everything that a bridge needs is there: each finding says what to do."""

import stat
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from bridge.errors import BridgeError
from bridge.hermes.service import HermesService
from bridge.ledger.port import Ledger
from bridge.operations.assemble import account_of, service_of
from bridge.operations.at_once import at_once
from bridge.operations.finding import Finding, Level, all_found_in, found_in
from bridge.operations.gateway_doctor import examine_gateway
from bridge.operations.opening import ANSWERS_WITHIN_S, group_of, has_gateway, opened_ledger, opened_stream
from bridge.operations.room import lack_of_room
from bridge.operations.status import impostors
from bridge.origins import name_key, told_as
from bridge.settings import Settings
from bridge.stream import Stream, Topic
from bridge.stream.names import joined, split
from bridge.tom.rest.lists import Lists
from bridge.tom.rest.session import RestSession
from bridge.tom.rest.shown import TARGETS

_SAMPLE = 20
_CLOCK_OK_S, _CLOCK_BAD_S = 5.0, 60.0
_PATHS = {"targets": TARGETS, "photometry": "/api/reduceddatums/", "data products": "/api/dataproducts/"}


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield findings as they are made. Nothing is changed at the TOM or on the stream; the ledger is made if absent."""
    yield from _configuration(settings)
    asked = [("stream", partial(examine_streams, settings)), ("TOM", partial(_tom, settings))]
    if has_gateway(settings):
        asked.insert(1, ("gateway", partial(examine_gateway, settings)))
    streams, *others = at_once([partial(all_found_in, *one) for one in asked])
    yield from streams
    yield from found_in("ledger", lambda: _ledger(settings))
    for found in others:
        yield from found


def _tom(settings: Settings) -> Iterator[Finding]:
    if settings.tom is None:
        yield Finding(level="warn", about="TOM", what="none is configured", mend="Set [tom] to receive into one")
        return
    with closing(RestSession(account_of(settings))) as session:
        found = list(found_in("TOM", lambda: _account(session)))
        yield from found
        if all(one.level != "fail" for one in found):
            yield from found_in("groups", lambda: _groups(settings, session))
            yield from found_in("permissions", lambda: _permissions(session))
            yield from found_in("clock", lambda: _clock(session))


def _configuration(settings: Settings) -> Iterator[Finding]:
    file = settings.file
    yield Finding(level="ok", about="configuration", what=str(file) if file is not None else "the environment")
    tom = settings.tom
    if file is not None and tom is not None and file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Finding(
            level="warn", about="configuration", what="others on this machine may read it", mend=f"chmod 600 {file}"
        )
    if settings.origin is None:
        yield Finding(
            level="fail", about="configuration", what="origin is missing", mend='Set origin = "my-tom", for ever'
        )
    if not settings.subscribe:
        yield Finding(
            level="warn", about="configuration", what="no topic is subscribed to", mend="Add a [[subscribe]] to receive"
        )


def examine_streams(settings: Settings) -> Iterator[Finding]:
    """Yield how each stream is, its topics that the settings name, what may be done on them, and its schemas."""
    with opened_stream(settings) as stream:
        parts = stream.parts()
        services = [label for label, one in settings.streams.items() if one.over_rest]
        found = at_once(
            [
                *(partial(all_found_in, "stream", partial(_stream, settings, *part)) for part in parts.items()),
                *(partial(all_found_in, "stream", partial(_service, settings, label)) for label in services),
            ]
        )
        for of_one in found:
            yield from of_one
        if len(parts) > 1:
            away = {label for label, of_one in zip(parts, found, strict=False) if not _answered(of_one)}
            yield from _each_once(settings, stream, away)


def _answered(found: Sequence[Finding]) -> bool:
    return found[0].level == "ok"


def _service(settings: Settings, label: str) -> Iterator[Finding]:
    """Yield whether Hermes knows the token, and on which of the topics its account may publish."""
    with closing(service_of(settings.streams[label])) as service:
        profile = service.profile()
        what = f"{label}: {service.url}: publishes as {profile.sender or 'nobody'}"
        yield Finding(level="ok", about="stream", what=what)
        for topic in [topic for topic in settings.published() if split(topic)[0] == label]:
            yield from found_in("topic", partial(_may_publish, service, topic))


def _may_publish(service: HermesService, topic: str) -> Iterator[Finding]:
    service.may_publish(split(topic)[1])
    yield Finding(level="ok", about="topic", what=f"{topic}: the account of the token may publish on it")


def _stream(settings: Settings, label: str, stream: Stream) -> Iterator[Finding]:
    started = time.monotonic()
    stream.reach(ANSWERS_WITHIN_S)
    took_ms = (time.monotonic() - started) * 1000
    there = stream.topics()
    shown = f"{label}: " if label else ""
    shown += settings.each_stream()[label].shown_url
    yield Finding(level="ok", about="stream", what=f"{shown}: {len(there)} topics, in {took_ms:.0f} ms")
    stream.check()
    topics = [topic for topic in settings.topics() if split(topic)[0] == label]
    yield from _topics(settings, stream, there, topics)
    schema_topic = settings.schema_topic_of(joined(label, "any"))
    if schema_topic is not None:
        yield _schemas(schema_topic, there.get(schema_topic), topics)


def _schemas(name: str, found: Topic | None, topics: Sequence[str]) -> Finding:
    if found is None:
        what, mend = f"{name}: the schema topic does not exist", f"tom-bridge topics create {(topics or ['TOPIC'])[0]}"
        return Finding(level="fail", about="schemas", what=what, mend=f"Create it together with a topic: {mend}")
    if not found.compacted or found.kept is False:
        what = f"{name} is not compacted alone: schemas may age out of it"
        return Finding(level="fail", about="schemas", what=what, mend="Set cleanup.policy=compact on it")
    return Finding(level="ok", about="schemas", what=f"{name} keeps them")


def _topics(settings: Settings, stream: Stream, there: Mapping[str, Topic], topics: Sequence[str]) -> Iterator[Finding]:
    received = {one.topic for one in settings.subscribe}
    for name in topics:
        on_hopskotch = settings.stream_of(name).hopskotch
        wanted = {
            "DESCRIBE",
            *(["READ"] if name in received else []),
            *(["WRITE"] if name in settings.published() else []),
        }
        group = group_of(settings) if name in received and settings.origin else None
        if name not in there and not on_hopskotch:
            mend = f"tom-bridge topics create {name}"
            yield Finding(level="fail", about="topic", what=f"{name} does not exist", mend=mend)
            continue
        if lacking := stream.lacking(name, wanted, group):
            what = f"{name}: the account lacks {', '.join(lacking)}"
            what += " (or the topic does not exist)" if name not in there else ""
            yield Finding(level="fail", about="topic", what=what, mend=_ask_for_rights(on_hopskotch))
        if name not in there:
            continue
        ends = stream.ends(name).values()
        records = sum(one.next - one.first for one in ends)
        yield Finding(level="ok", about="topic", what=f"{name}: {records} records in {len(ends)} partitions")
        if not on_hopskotch:  # whose topics' settings are nobody's business here
            yield from _kept_and_timed(there[name])


def _ask_for_rights(on_hopskotch: bool) -> str:
    if on_hopskotch:
        return "An owner of the topic gives rights to the credential at https://my.hop.scimma.org"
    return "Ask who runs the broker for the permission"


def _each_once(settings: Settings, stream: Stream, away: Set[str]) -> Iterator[Finding]:
    """Yield each topic that is subscribed to by two names, on the streams that are not ``away``."""
    names: dict[str, str] = {}
    for topic in [one.topic for one in settings.subscribe]:
        if split(topic)[0] in away:
            continue
        try:
            first = names.setdefault(stream.identity(topic), topic)
        except BridgeError:  # this and others are told above
            continue
        if first != topic:
            what = f"{first} and {topic} are one topic under two names"
            yield Finding(level="fail", about="topic", what=what, mend="Subscribe to it by one of them")


def _kept_and_timed(topic: Topic) -> Iterator[Finding]:
    """Yield what a topic's settings do to its history and to its times."""
    ask = "Ask who runs the broker to set {} on the topic"
    if topic.append_time is None or topic.kept is None:
        what = f"{topic.name}: the account may not see the topic's settings"
        yield Finding(level="warn", about="topic", what=what, mend="Ask for the permission DescribeConfigs on it")
    if topic.append_time is False:
        what = f"{topic.name}: record times are the publishers' clocks, and may go back"
        yield Finding(level="fail", about="topic", what=what, mend=ask.format("message.timestamp.type=LogAppendTime"))
    if topic.kept is False:
        what = f"{topic.name}: the topic forgets its records: who is away for longer can't catch up, or replay"
        yield Finding(level="fail", about="topic", what=what, mend=ask.format("retention.ms=-1 and retention.bytes=-1"))


def _ledger(settings: Settings) -> Iterator[Finding]:
    for lacking in lack_of_room(settings):
        yield Finding(level="fail", about="ledger", what=lacking)
    with opened_ledger(settings) as ledger:
        yield from examine_ledger(settings, ledger, str(settings.ledger))


def examine_ledger(settings: Settings, ledger: Ledger, where: str) -> Iterator[Finding]:
    """Yield how full the ledger is, and whether another publishes as this TOM, or had its display name here first."""
    for problem in impostors(ledger.sums()):
        yield Finding(level="fail", about="ledger", what=problem)
    yield from _own_name(settings, ledger)
    kept, most = ledger.kept_bytes(), settings.limits.parked_bytes
    full = kept > 0.9 * most
    yield Finding(
        level="warn" if full else "ok",
        about="ledger",
        what=f"{where}: {len(ledger.positions())} positions, {kept} of {most} bytes kept",
        mend="See 'tom-bridge parked list' and 'tom-bridge dead list', or raise limits.parked_bytes" if full else "",
    )


def _own_name(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """Yield whether another TOM was known here by this TOM's display name, before this TOM took it."""
    name = settings.display_name
    owner = ledger.name_owners([name_key(name)]).get(name_key(name))
    if owner not in {None, settings.origin}:
        yield Finding(
            level="warn",
            about="name",
            what=f"{owner} was called {name!r} here before this TOM was: what came from it until then bears that name",
            mend="Take another display name, as others that know it too will show this TOM's with its origin;"
            f" from now on {owner} is called {told_as(name, owner or '', settings.origin)!r} here",
        )


def _account(session: RestSession) -> Iterator[Finding]:
    session.get(TARGETS, limit=1)
    name = session.account.username or "the API token's account"
    release = "3.0 or later" if session.toolkit.typed_datums else "before 3.0"
    yield Finding(level="ok", about="TOM", what=f"{session.base_url}: TOM Toolkit {release}")
    yield Finding(level="ok", about="account", what=f"logged in as {name}")


def _groups(settings: Settings, session: RestSession) -> Iterator[Finding]:
    wanted = settings.require_tom().groups
    answer = session.get("/api/groups/", limit=1000)
    there = {group["name"] for group in answer["results"]}
    for name in wanted:
        if name in there:
            yield Finding(level="ok", about="group", what=f"{name} will see what arrives")
        else:
            what = f"the account is in no group {name!r}"
            yield Finding(level="fail", about="group", what=what, mend="Put the account in it, in the TOM's user pages")
    if not wanted:
        yield Finding(
            level="warn",
            about="group",
            what="none is configured: what arrives is visible to the account alone",
            mend=f"Set groups under [tom]; the account is in: {', '.join(sorted(there)) or 'none'}",
        )


def _permissions(session: RestSession) -> Iterator[Finding]:
    for name, path in _PATHS.items():
        described = session.decoded(session.request("OPTIONS", path), path)
        may = "POST" in described.get("actions", {})
        mend = "" if may else "Let the account write to the API (DEFAULT_PERMISSION_CLASSES in the TOM's settings)"
        what = f"may {'' if may else 'not '}add {name}"
        yield Finding(level="ok" if may else "fail", about="permission", what=what, mend=mend)
    page = session.get(TARGETS, limit=_SAMPLE)
    yield Finding(
        level="ok" if page["count"] else "warn",
        about="permission",
        what=f"may view {page['count']} targets",
        mend="" if page["count"] else "If the TOM has targets: give the account, or a group of it, view permission",
    )
    if page["results"]:
        yield _changing(session, page["results"])
    if Lists(session).look() is None:
        yield Finding(
            level="warn",
            about="permission",
            what="can't see target lists: members can't be verified",
            mend="Let the account open the TOM's browsable API",
        )


def _changing(session: RestSession, sample: list[Any]) -> Finding:
    """Return whether the account may write onto some targets, by asking for datums that can't be made."""
    refused = []
    for shown in sample:
        # A time that is none is refused in any case; that the target is refused too shows that it may not be changed.
        asked = {"target": shown["id"], "data_type": "photometry", "timestamp": "no time: only asking", "value": {}}
        answer = session.request("POST", _PATHS["photometry"], json=asked)
        if answer.status_code == 400 and "target" in answer.json():
            refused.append(shown["name"])
    if not refused:
        return Finding(level="ok", about="permission", what=f"may add to targets ({len(sample)} looked at)")
    return Finding(
        level="warn",
        about="permission",
        what=f"may not add to {len(refused)} of {len(sample)} targets looked at, such as {refused[0]}",
        mend="Give the account, or a group of it, permission to change them; data for them become dead letters",
    )


def _clock(session: RestSession) -> Iterator[Finding]:
    told = session.request("GET", TARGETS, params={"limit": 1}).headers.get("Date")
    if told is None:
        yield Finding(level="warn", about="clock", what="the TOM does not tell its time")
        return
    skew_s = abs((datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds())
    level: Level = "ok" if skew_s <= _CLOCK_OK_S else "warn" if skew_s <= _CLOCK_BAD_S else "fail"
    mend = "" if level == "ok" else "Let both machines follow a time server (NTP)"
    yield Finding(level=level, about="clock", what=f"differs from the TOM's by {skew_s:.0f} s", mend=mend)
