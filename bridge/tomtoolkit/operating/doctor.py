"""Whether everything that the bridge needs is there, asked from inside of the TOM."""

from collections.abc import Iterator

from django.core.checks import ERROR
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from tom_targets.base_models import BaseTarget
from tom_targets.models import PersistentShare, TargetName

from bridge.operations.doctor import examine_ledger, examine_streams
from bridge.operations.finding import Finding, Level, found_in
from bridge.operations.outbox import MEND, unclear_are
from bridge.tomtoolkit import checks, conf, models
from bridge.tomtoolkit.database import translating
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.operating.health import unclear as count_unclear
from bridge.tomtoolkit.receiving import files
from bridge.tomtoolkit.rows.names import indexes_of, own_manager

_MOST_NAMED = 5


def examine() -> Iterator[Finding]:
    """Yield findings as they are made; nothing is changed but that a new ledger gets its identity."""
    yield from _settings()
    database_found = list(found_in("database", _database))
    yield from database_found
    if conf.problems():
        return
    settings = conf.load()
    yield from found_in("stream", lambda: examine_streams(settings))
    if any(one.level == "fail" for one in database_found):
        return
    yield from found_in("ledger", lambda: examine_ledger(settings, DjangoLedger(), "the TOM's database"))
    yield from found_in("files", _files)
    yield from found_in("outbox", _outbox)
    yield from found_in("sharing", _self_shares)
    yield from found_in("sharing", _persistent_shares)


def _settings() -> Iterator[Finding]:
    found = [*checks.check_settings(), *checks.check_groups(databases=[DEFAULT_DB_ALIAS])]
    for one in found:
        level: Level = "fail" if one.level >= ERROR else "warn"
        yield Finding(level=level, about="settings", what=one.msg.rstrip("."), mend=one.hint or "")
    if any(one.level >= ERROR for one in found):
        return
    settings = conf.load()
    topics = ", ".join(one.topic for one in settings.subscribe) or "none"
    yield Finding(level="ok", about="settings", what=f"{settings.origin} receives {topics}")
    rule = "the TOM's own match manager" if own_manager() else "TOM Toolkit's rule, by an index"
    yield Finding(level="ok", about="settings", what=f"names are matched by {rule}")


def _database() -> Iterator[Finding]:
    connection = connections[DEFAULT_DB_ALIAS]
    with translating():
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        what = f"{len(names)} migrations are not applied: {', '.join(names[:_MOST_NAMED])}{more}"
        yield Finding(level="fail", about="database", what=what, mend="Run: python manage.py migrate")
        return
    yield Finding(level="ok", about="database", what=f"{connection.vendor}, all migrations are applied")
    with translating(), connection.cursor() as cursor:
        for table in (BaseTarget._meta.db_table, TargetName._meta.db_table):
            there = connection.introspection.get_constraints(cursor, table)
            if not all(index in there for index in indexes_of(table)):
                yield Finding(
                    level="warn",
                    about="database",
                    what=f"the index of names on {table} is missing: matching is slow",
                    mend="Run: python manage.py migrate",
                )


def _files() -> Iterator[Finding]:
    """Store a file where data products go, and delete it."""
    if left := files.probe():
        mend = "Let this account delete there; what a product leaves that is refused stays otherwise"
        yield Finding(level="warn", about="files", what=left, mend=mend)
    else:
        yield Finding(level="ok", about="files", what="the storage of data products takes files")


def _outbox() -> Iterator[Finding]:
    with translating():
        events = models.OutboxEvent.objects
        queued = events.filter(state=models.OutboxEvent.State.QUEUED)
        waiting, oldest = queued.count(), queued.order_by("created").first()
        refused = events.filter(state=models.OutboxEvent.State.REFUSED).count()
        unclear = count_unclear()
    since = f", the oldest since {oldest.created:%Y-%m-%d %H:%M} UTC" if oldest is not None else ""
    yield Finding(
        level="warn" if waiting else "ok",
        about="outbox",
        what=f"{waiting} events wait to be sent{since}",
        mend="If that stays so: run manage.py bridgerelay (or bridgerun), and see what it logs" if waiting else "",
    )
    if refused:
        yield Finding(
            level="warn",
            about="outbox",
            what=f"{refused} events were refused by the stream for good",
            mend="The bridge's page of the outbox says why, for each, as does manage.py bridgeoutbox list",
        )
    if unclear:
        yield Finding(level="warn", about="outbox", what=unclear_are(unclear), mend=MEND)


def _self_shares() -> Iterator[Finding]:
    """Look for what shares itself and could not be shared, or rests."""
    with translating():
        left_out = models.LeftOut.objects.select_related("target").order_by("-since")
        number, some = left_out.count(), list(left_out[:_MOST_NAMED])
        resting = models.SelfShare.objects.filter(active=True).exclude(rests="").count()
    if number:
        named = "; ".join(f"{one.target.name if one.target else 'a list'}: {one.reason}" for one in some)
        yield Finding(
            level="warn",
            about="sharing",
            what=f"{number} things that share themselves are left out ({named})",
            mend="They are tried again at least once an hour",
        )
    if resting:
        what = f"{resting} targets or lists that share themselves rest"
        yield Finding(level="warn", about="sharing", what=what, mend="The page Self-sharing says why, for each")


def _persistent_shares() -> Iterator[Finding]:
    """Look for TOM Toolkit's own continuous sharing: what a processor makes of a received file goes out by it."""
    with translating():
        shares = list(PersistentShare.objects.select_related("target")[: _MOST_NAMED + 1])
        number = PersistentShare.objects.count()
    if not shares:
        yield Finding(level="ok", about="sharing", what="TOM Toolkit shares nothing by itself")
        return
    named = ", ".join(f"{one.target.name} to {one.destination}" for one in shares[:_MOST_NAMED])
    yield Finding(
        level="warn",
        about="sharing",
        what=f"TOM Toolkit's own persistent shares ({number}: {named}) also pass on what other TOMs' files bring",
        mend="Remove them on the page of persistent shares, and let the targets share themselves by the bridge",
    )
