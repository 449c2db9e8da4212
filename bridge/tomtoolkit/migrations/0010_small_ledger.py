"""An event takes less than half as many bytes: texts once, numbers and bytes on SQLite, no index that nobody asks.

What is done is told by the entry of the event itself, as long as there is one. The large tables are made anew and
filled, each row once. The way back is a backup of the database: nothing is lost, but the release before can't read it.
"""

import struct
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

from bridge.tomtoolkit.models.fields import CommonText, Identity, Moment

# All SQL below is put together from our own constants.
# ruff: noqa: S608, ARG001

_ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
_COMMON = {
    "tom_bridge_event": ("topic", "topic_id", "origin", "origin_name", "kind", "outcome", "reason", "shared_by"),
    "tom_bridge_done": ("origin", "witness"),
    "tom_bridge_written_run": ("model", "origin"),
}
_NEVER_AGAIN = ("tom_bridge_waiting", "tom_bridge_letter")


def _fill(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.create_function("tom_bridge_from_hex", 1, _from_hex, deterministic=True)
        connection.connection.create_function("tom_bridge_part", 4, _part, deterministic=True)
    texts = " UNION ".join(
        f"SELECT coalesce({column}, '') FROM {table}" for table, columns in _COMMON.items() for column in columns
    )
    usual_key = "CAST(origin || '/' || simple_subject AS BLOB)"
    if connection.vendor == "postgresql":
        usual_key = "convert_to(origin || '/' || simple_subject, 'UTF8')"
    moment, identity = (_moment, _identity) if connection.vendor == "sqlite" else (str, str)
    part = _part_sql(connection.vendor == "sqlite")
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO tom_bridge_text ("text") {texts}')
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE tom_bridge_text")
        cursor.execute(f"""
            INSERT INTO tom_bridge_outcome (id, record_offset, published_at, recorded_at, event_id, share_id, topic,
                topic_id, partition, number, origin, origin_name, kind, outcome, reason, shared_by, counted, done,
                subject, simple_subject, title, record_key, detail)
            SELECT id, record_offset, {moment("published_at")}, {moment("recorded_at")}, {identity("event_id")},
                {identity("share_id")}, {_key("topic")}, {_key("topic_id")}, partition, number, {_key("origin")},
                {_key("origin_name")}, {_key("kind")}, {_key("outcome")}, {_key("reason")}, {_key("shared_by")},
                counted,
                EXISTS (SELECT 1 FROM tom_bridge_done AS done WHERE done.event_id = had.event_id
                    AND done.origin = had.origin AND done.witness = 'done'),
                subject, simple_subject, title, nullif(record_key, {usual_key}), detail
            FROM tom_bridge_event AS had""")
        # By the id: by the index of origins, which SQLite takes else, each would look at all that came from its origin.
        cursor.execute(f"""
            INSERT INTO tom_bridge_witness (event_id, origin, witness)
            SELECT {identity("event_id")}, {_key("origin")}, {_key("witness")} FROM tom_bridge_done AS had
            WHERE witness <> 'done' OR NOT EXISTS (SELECT 1 FROM tom_bridge_event AS event
                WHERE event.event_id = had.event_id AND event.origin || '' = had.origin)""")
        cursor.execute(f"""
            INSERT INTO tom_bridge_run (first, last, model, parts, digests)
            SELECT first, last, {_key("model")}, {part}, digests FROM tom_bridge_written_run AS had""")
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE tom_bridge_words SET share_id = tom_bridge_from_hex(share_id)")
        _go_on_counting(cursor, connection)


def _key(column: str) -> str:
    return f"(SELECT id FROM tom_bridge_text WHERE \"text\" = coalesce(had.{column}, ''))"


def _moment(column: str) -> str:
    """Return SQLite's SQL for the microseconds since 1970 of a time as Django had written it."""
    seconds = f"CAST(strftime('%s', substr({column}, 1, 19)) AS INTEGER)"
    return f"{seconds} * 1000000 + CAST(substr({column}, 21, 6) AS INTEGER)"


def _identity(column: str) -> str:
    return f"tom_bridge_from_hex({column})"


def _from_hex(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def _part_sql(is_sqlite: bool) -> str:
    """Return SQL for whose rows a run is of, which were those of one event (``bridge.tomtoolkit.rows.noted.Part``)."""
    rows, number, origin = "CAST(last - first + 1 AS integer)", "coalesce(number, -1)", _key("origin")
    if is_sqlite:
        return f"tom_bridge_part({rows}, {number}, {origin}, event_id)"
    return f"int4send({rows}) || int4send({number}) || int4send({origin}) || uuid_send(event_id)"


def _part(rows: int, number: int, origin: int, event_id: str) -> bytes:
    return struct.pack(">iii16s", rows, number, origin, bytes.fromhex(event_id))


def _go_on_counting(cursor: Any, connection: Any) -> None:
    """Let the keys of entries go on from those that were."""
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('tom_bridge_outcome', 'id'), greatest(1, max(id)))"
            " FROM tom_bridge_event"
        )


def _remember_ids(apps: Any, schema_editor: Any) -> None:
    """Note which ids of what is parked or dead were used: SQLite forgets it of a table that Django makes anew."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            for table in _NEVER_AGAIN:
                named = [f"{table} before", table]
                cursor.execute("INSERT INTO sqlite_sequence SELECT %s, seq FROM sqlite_sequence WHERE name = %s", named)


def _use_none_again(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            for table in _NEVER_AGAIN:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("UPDATE sqlite_sequence SET name = %s WHERE name = %s", [table, f"{table} before"])


def _refuse(apps: Any, schema_editor: Any) -> None:
    """Refuse the way back where there is anything that the release before can't read."""
    using = schema_editor.connection.alias
    for name in ("Entry", "Done", "Written", "ShareWords"):
        if apps.get_model("tom_bridge", name).objects.using(using).exists():
            raise IrreversibleError(
                "The bridge's ledger can't go back to the release before, which can't read it. Put back the backup of"
                " the TOM's database from before the upgrade; the bridge then catches up with the stream."
            )


class Migration(migrations.Migration):
    dependencies = [("tom_bridge", "0009_events_of_origin")]

    operations = [
        migrations.CreateModel(
            name="Text",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("text", models.TextField(unique=True)),
            ],
            options={"db_table": "tom_bridge_text"},
        ),
        migrations.CreateModel(
            name="Outcome",
            fields=[
                ("id", _ID),
                ("record_offset", models.BigIntegerField()),
                ("published_at", Moment(db_index=True)),
                ("recorded_at", Moment()),
                ("event_id", Identity(db_index=True, null=True)),
                ("share_id", Identity(null=True)),
                ("topic", CommonText()),
                ("topic_id", CommonText()),
                ("partition", models.IntegerField()),
                ("number", models.IntegerField(default=0)),
                ("origin", CommonText()),
                ("origin_name", CommonText()),
                ("kind", CommonText()),
                ("outcome", CommonText()),
                ("reason", CommonText()),
                ("shared_by", CommonText()),
                ("counted", models.IntegerField(default=0)),
                ("done", models.BooleanField(default=False)),
                ("subject", models.TextField()),
                ("simple_subject", models.TextField()),
                ("title", models.TextField()),
                ("record_key", models.BinaryField(null=True)),
                ("detail", models.TextField()),
            ],
            options={
                "db_table": "tom_bridge_outcome",
                "indexes": [
                    models.Index(fields=["simple_subject", "published_at"], name="tom_bridge_event_of_subject"),
                    models.Index(fields=["origin", "published_at"], name="tom_bridge_event_of_origin"),
                    models.Index(
                        fields=["share_id"],
                        condition=models.Q(("share_id__isnull", False)),
                        name="tom_bridge_event_of_share",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("topic_id", "partition", "record_offset", "number"), name="tom_bridge_event_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", _ID),
                ("event_id", Identity()),
                ("origin", CommonText()),
                ("witness", CommonText()),
            ],
            options={
                "db_table": "tom_bridge_witness",
                "constraints": [
                    models.UniqueConstraint(fields=("event_id", "origin"), name="tom_bridge_witness_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", _ID),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("model", CommonText()),
                ("parts", models.BinaryField()),
                ("digests", models.BinaryField()),
            ],
            options={
                "db_table": "tom_bridge_run",
                "constraints": [
                    models.UniqueConstraint(fields=("model", "last"), name="tom_bridge_run_last"),
                ],
            },
        ),
        migrations.AlterField("ShareWords", "share_id", Identity()),
        migrations.RunPython(_fill, migrations.RunPython.noop),
        migrations.RunPython(_remember_ids, _use_none_again),
        *(
            migrations.AlterField(
                name,
                "entry",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name=related, to="tom_bridge.outcome"
                ),
            )
            for name, related in (("Parked", "parked"), ("Dead", "dead"))
        ),
        migrations.RunPython(_use_none_again, _remember_ids),
        *(
            migrations.AddIndex(name, models.Index(fields=["reason"], name=f"tom_bridge_{table}_reason"))
            for name, table in (("Parked", "waiting"), ("Dead", "letter"))
        ),
        migrations.DeleteModel("Entry"),
        migrations.DeleteModel("Done"),
        migrations.DeleteModel("Written"),
        migrations.AlterModelTable("Outcome", "tom_bridge_event"),
        migrations.AlterModelTable("Witness", "tom_bridge_done"),
        migrations.AlterModelTable("Run", "tom_bridge_written_run"),
        migrations.SeparateDatabaseAndState(  # the tables have their names already
            state_operations=[
                migrations.RenameModel("Outcome", "Entry"),
                migrations.RenameModel("Witness", "Done"),
                migrations.AlterModelTable("Done", None),
                migrations.RenameModel("Run", "Written"),
            ]
        ),
        migrations.RunPython(migrations.RunPython.noop, _refuse),
    ]
