"""An entry an event, witnesses, one waiting line, what was said of shares, whose a name is, what was written as runs.

The large tables are made anew and filled, each row once; what happens to which row is that of the ledger's file
(``_EVENTS`` in :mod:`bridge.ledger.sqlite_tables`). The way back is a backup of the database: what came since could not
be kept.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

from bridge.origins import name_key

# All SQL below is put together from our own constants.
# ruff: noqa: S608

_AT_ONCE = 500
_BEFORE = '%"message": "this event came before"%'
_ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")

# An entry is one event of a record, told by the topic's identity; of earlier entries the newest of each place is the
# one whose identity the position knows.
_ENTRIES = """
    INSERT INTO tom_bridge_event (id, topic, topic_id, partition, record_offset, number, published_at, recorded_at,
        outcome, reason, detail, counted, event_id, share_id, origin, origin_name, kind, subject, simple_subject,
        shared_by, title, record_key)
    SELECT id, topic,
        CASE WHEN published_at = max(published_at) OVER (PARTITION BY topic, partition, record_offset)
            THEN coalesce((SELECT topic_id FROM tom_bridge_position AS position
                WHERE position.topic = entry.topic AND position.partition = entry.partition), 'unknown ' || topic)
            ELSE 'before ' || id || ' ' || topic END,
        partition, record_offset, 0, published_at, recorded_at, outcome, reason, detail, 0, event_id, share_id,
        origin, origin_name, kind, subject, simple_subject, shared_by, title, record_key
    FROM tom_bridge_entry AS entry"""
_NAMES = """
    INSERT INTO tom_bridge_waiting_name (simple, parked_id) SELECT simple, parked_id FROM tom_bridge_parkedname"""
_LETTERS = """
    INSERT INTO tom_bridge_letter (id, entry_id, member, reason, detail, counted)
    SELECT dead.id, event.id, '', coalesce(event.reason, 'internal error'), event.detail, 0
    FROM tom_bridge_dead AS dead JOIN tom_bridge_event AS event ON event.id = dead.entry_id"""
# What is done stays done for ever: applied, or found there in full, with nothing of it waiting. That an event "came
# before" says nothing.
_DONE = """
    INSERT INTO tom_bridge_done (origin, event_id, witness)
    SELECT DISTINCT origin, event_id, 'done' FROM tom_bridge_event
    WHERE event_id IS NOT NULL AND outcome IN ('applied', 'duplicate') AND detail NOT LIKE %s
        AND id NOT IN (SELECT entry_id FROM tom_bridge_waiting)"""
# Whose event it was is not known where nothing of it was recorded yet, or where several have that id.
_WHOSE = """coalesce((SELECT CASE WHEN min(origin) = max(origin) THEN min(origin) END FROM tom_bridge_entry AS entry
    WHERE entry.event_id = {}.event_id), '')"""
_INTENTS = f"""
    INSERT INTO tom_bridge_begun (origin, event_id, step)
    SELECT {_WHOSE.format("intent")}, event_id, step FROM tom_bridge_intent AS intent"""
_PRODUCTS = f"""
    INSERT INTO tom_bridge_product_run (origin, event_id, product_id, file, product, done, notes)
    SELECT {_WHOSE.format("run")}, event_id, product_id, file, product, done, '[]' FROM tom_bridge_productrun AS run"""
_WRITTEN = f"""
    INSERT INTO tom_bridge_written_run (model, first, last, origin, event_id, number, digests)
    SELECT model, min(key), max(key), {_WHOSE.format("run")}, event_id, NULL, {{empty}} FROM (
        SELECT model, key, event_id, key - row_number() OVER (PARTITION BY model, event_id ORDER BY key) AS island
        FROM tom_bridge_written) AS run
    GROUP BY model, event_id, island"""


def _fill(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    empty = "''::bytea" if connection.vendor == "postgresql" else "x''"
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES)
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE tom_bridge_event")
        _park(apps, connection.alias)
        _name(apps, connection.alias)
        cursor.execute(_NAMES)
        cursor.execute(_LETTERS)
        cursor.execute(_DONE, [_BEFORE])
        for statement in (_INTENTS, _PRODUCTS, _WRITTEN.format(empty=empty)):
            cursor.execute(statement)
        for old, new in (("entry", "event"), ("parked", "waiting"), ("dead", "letter")):
            _go_on_counting(cursor, connection, f"tom_bridge_{old}", f"tom_bridge_{new}")


def _park(apps: Any, using: str) -> None:
    """Let wait what was parked, and keep the records of what waits or is dead."""
    entries = apps.get_model("tom_bridge", "Event").objects.using(using)
    rows = apps.get_model("tom_bridge", "Parked").objects.using(using).order_by("pk")
    waiting = apps.get_model("tom_bridge", "Waiting")
    for chunk in _chunks(rows):
        of = entries.in_bulk({row.entry_id for row in chunk})
        waiting.objects.using(using).bulk_create([_waiting(waiting, row, of[row.entry_id]) for row in chunk])
    raws = apps.get_model("tom_bridge", "Raw").objects.using(using).order_by("pk")
    kept = apps.get_model("tom_bridge", "Kept")
    for chunk in _chunks(raws):
        of = entries.in_bulk({row.pk for row in chunk})
        kept.objects.using(using).bulk_create([_kept(kept, row, of[row.pk]) for row in chunk])


def _name(apps: Any, using: str) -> None:
    """Let each display name belong to the first origin that used it."""
    used = apps.get_model("tom_bridge", "Event").objects.using(using).exclude(origin_name="").exclude(outcome="ignored")
    first: dict[str, str] = {}
    grouped = used.order_by().values_list("origin_name", "origin").annotate(first=models.Min("id")).order_by("first")
    for name, origin, _ in grouped.iterator():
        first.setdefault(name_key(name), origin)
    names = apps.get_model("tom_bridge", "OriginName")
    rows = [names(simple=simple, origin=origin) for simple, origin in first.items()]
    names.objects.using(using).bulk_create(rows, batch_size=_AT_ONCE)


def _chunks(rows: Any) -> Iterator[list[Any]]:
    left = rows.iterator(_AT_ONCE)
    while chunk := list(islice(left, _AT_ONCE)):
        yield chunk


def _waiting(model: Any, row: Any, event: Any) -> Any:
    by_itself = row.reason not in {"no target", "waits behind an earlier event"}
    return model(
        id=row.pk,
        entry_id=event.pk,
        member=row.member,
        reason=row.reason,
        detail=row.detail,
        line=_line(event),
        record_offset=event.record_offset,
        holds=not row.member and row.reason != "newer version",
        due_at=event.recorded_at if by_itself else None,
    )


def _line(event: Any) -> str:
    told = f"{event.topic_id}\n{event.partition}\n".encode() + bytes(event.record_key)
    return hashlib.sha256(told).hexdigest()


def _kept(model: Any, row: Any, event: Any) -> Any:
    value = bytes(row.value)
    return model(
        topic=event.topic,
        topic_id=event.topic_id,
        partition=event.partition,
        record_offset=event.record_offset,
        published_at=event.published_at,
        record_key=row.record_key,
        value=value,
        headers=row.headers,
        size=len(value),
        sha256=hashlib.sha256(value).hexdigest(),
        whole=True,
        bytes=row.bytes,
    )


def _go_on_counting(cursor: Any, connection: Any, old: str, new: str) -> None:
    """Let the ids of ``new`` go on from those of ``old``: none is used again, also not one of what is gone by now."""
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [old])
        (of_old,) = cursor.fetchone()
        used = f"greatest(last_value, (SELECT max(id) FROM {new}))"
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{new}', 'id'), {used}) FROM {of_old}")
        return
    cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [new])
    cursor.execute("INSERT INTO sqlite_sequence SELECT %s, seq FROM sqlite_sequence WHERE name = %s", [new, old])


def _refuse(apps: Any, schema_editor: Any) -> None:
    """Refuse the way back where anything would be lost by it."""
    using = schema_editor.connection.alias
    for name in ("Entry", "Done", "Intent", "ProductRun", "Written", "Former", "ShareWords"):
        if apps.get_model("tom_bridge", name).objects.using(using).exists():
            raise IrreversibleError(
                "The bridge's ledger can't go back to the release before: what came since would be lost. Put back the"
                " backup of the TOM's database from before the upgrade; the bridge then catches up with the stream."
            )


class Migration(migrations.Migration):
    dependencies = [("tom_bridge", "0005_leases")]

    operations = [
        migrations.CreateModel(
            name="Former",
            fields=[("installation", models.UUIDField(primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("process", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                ("state", models.TextField()),
                ("ended", models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField("Position", "tries", models.IntegerField(default=0)),
        migrations.AddField("Position", "tries_since", models.DateTimeField(null=True)),
        migrations.AddField("Position", "alone_before", models.BigIntegerField(default=0)),
        migrations.RenameField("Tally", "records", "events"),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", _ID),
                ("topic", models.CharField(max_length=249)),
                ("topic_id", models.CharField(max_length=300)),
                ("partition", models.IntegerField()),
                ("record_offset", models.BigIntegerField()),
                ("number", models.IntegerField(default=0)),
                ("published_at", models.DateTimeField(db_index=True)),
                ("recorded_at", models.DateTimeField()),
                ("outcome", models.CharField(max_length=20)),
                ("reason", models.CharField(max_length=50, null=True)),
                ("detail", models.TextField()),
                ("counted", models.BigIntegerField(default=0)),
                ("event_id", models.UUIDField(db_index=True, null=True)),
                ("share_id", models.UUIDField(null=True)),
                ("origin", models.TextField()),
                ("origin_name", models.TextField()),
                ("kind", models.TextField()),
                ("subject", models.TextField()),
                ("simple_subject", models.TextField()),
                ("shared_by", models.TextField()),
                ("title", models.TextField()),
                ("record_key", models.BinaryField()),
            ],
            options={
                "db_table": "tom_bridge_event",
                "indexes": [
                    models.Index(fields=["simple_subject", "published_at"], name="tom_bridge_event_subject"),
                    models.Index(
                        fields=["share_id"],
                        condition=models.Q(("share_id__isnull", False)),
                        name="tom_bridge_event_share",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("topic_id", "partition", "record_offset", "number"), name="tom_bridge_one_event"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareWords",
            fields=[
                ("id", _ID),
                ("origin", models.TextField()),
                ("share_id", models.UUIDField()),
                ("said", models.TextField()),
                ("counted", models.BigIntegerField()),
            ],
            options={
                "db_table": "tom_bridge_words",
                "constraints": [
                    models.UniqueConstraint(fields=("share_id", "origin"), name="tom_bridge_words_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OriginName",
            fields=[
                ("simple", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("origin", models.TextField()),
            ],
            options={"db_table": "tom_bridge_origin_name"},
        ),
        migrations.CreateModel(
            name="Kept",
            fields=[
                ("id", _ID),
                ("topic", models.CharField(max_length=249)),
                ("topic_id", models.CharField(max_length=300)),
                ("partition", models.IntegerField()),
                ("record_offset", models.BigIntegerField()),
                ("published_at", models.DateTimeField()),
                ("record_key", models.BinaryField(null=True)),
                ("value", models.BinaryField()),
                ("headers", models.TextField()),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("whole", models.BooleanField()),
                ("bytes", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("topic_id", "partition", "record_offset"), name="tom_bridge_kept_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Waiting",
            fields=[
                ("id", _ID),
                ("member", models.TextField()),
                ("reason", models.CharField(max_length=50)),
                ("detail", models.TextField()),
                ("counted", models.BigIntegerField(default=0)),
                ("line", models.CharField(max_length=64)),
                ("record_offset", models.BigIntegerField()),
                ("number", models.IntegerField(default=0)),
                ("holds", models.BooleanField()),
                ("due_at", models.DateTimeField(null=True)),
                ("looks", models.IntegerField(default=0)),
                ("tries", models.IntegerField(default=0)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parked", to="tom_bridge.event"
                    ),
                ),
            ],
            options={
                "db_table": "tom_bridge_waiting",
                "indexes": [
                    models.Index(
                        fields=["line", "record_offset", "number"],
                        condition=models.Q(("holds", True)),
                        name="tom_bridge_waiting_in_line",
                    ),
                    models.Index(
                        fields=["due_at"], condition=models.Q(("due_at__isnull", False)), name="tom_bridge_waiting_due"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("entry", "member"), name="tom_bridge_waiting_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingName",
            fields=[
                ("id", _ID),
                ("simple", models.TextField()),
                (
                    "parked",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="names", to="tom_bridge.waiting"
                    ),
                ),
            ],
            options={
                "db_table": "tom_bridge_waiting_name",
                "constraints": [
                    models.UniqueConstraint(fields=("simple", "parked"), name="tom_bridge_waiting_named"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", _ID),
                ("member", models.TextField()),
                ("reason", models.CharField(max_length=50)),
                ("detail", models.TextField()),
                ("counted", models.BigIntegerField(default=0)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="dead", to="tom_bridge.event"
                    ),
                ),
            ],
            options={
                "db_table": "tom_bridge_letter",
                "constraints": [
                    models.UniqueConstraint(fields=("entry", "member"), name="tom_bridge_letter_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Done",
            fields=[
                ("id", _ID),
                ("origin", models.TextField()),
                ("event_id", models.UUIDField()),
                ("witness", models.CharField(max_length=20)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("event_id", "origin"), name="tom_bridge_done_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Begun",
            fields=[
                ("id", _ID),
                ("origin", models.TextField()),
                ("event_id", models.UUIDField()),
                ("step", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "tom_bridge_begun",
                "constraints": [
                    models.UniqueConstraint(fields=("event_id", "origin", "step"), name="tom_bridge_begun_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WrittenRun",
            fields=[
                ("id", _ID),
                ("model", models.CharField(max_length=100)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("origin", models.TextField()),
                ("event_id", models.UUIDField(db_index=True)),
                ("number", models.IntegerField(null=True)),
                ("digests", models.BinaryField()),
            ],
            options={
                "db_table": "tom_bridge_written_run",
                "constraints": [
                    models.UniqueConstraint(fields=("model", "last"), name="tom_bridge_written_last"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RunOfProduct",
            fields=[
                ("id", _ID),
                ("origin", models.CharField(max_length=100)),
                ("event_id", models.UUIDField()),
                ("product_id", models.TextField()),
                ("file", models.TextField()),
                ("product", models.BigIntegerField(null=True)),
                ("done", models.BooleanField(default=False)),
                ("notes", models.JSONField(default=list)),
            ],
            options={
                "db_table": "tom_bridge_product_run",
                "constraints": [
                    models.UniqueConstraint(fields=("event_id", "origin"), name="tom_bridge_product_once"),
                ],
            },
        ),
        migrations.RunPython(_fill, migrations.RunPython.noop),
        migrations.DeleteModel("ParkedName"),
        migrations.DeleteModel("Parked"),
        migrations.DeleteModel("Dead"),
        migrations.DeleteModel("Raw"),
        migrations.DeleteModel("Entry"),
        migrations.DeleteModel("Intent"),
        migrations.DeleteModel("Written"),
        migrations.DeleteModel("ProductRun"),
        migrations.SeparateDatabaseAndState(  # the tables keep their names
            state_operations=[
                migrations.RenameModel("Event", "Entry"),
                migrations.RenameModel("Waiting", "Parked"),
                migrations.RenameModel("WaitingName", "ParkedName"),
                migrations.RenameModel("Letter", "Dead"),
                migrations.RenameModel("Begun", "Intent"),
                migrations.RenameModel("WrittenRun", "Written"),
                migrations.RenameModel("RunOfProduct", "ProductRun"),
            ]
        ),
        migrations.RunPython(migrations.RunPython.noop, _refuse),
    ]
