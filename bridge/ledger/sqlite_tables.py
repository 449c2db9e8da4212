"""The tables of the SQLite ledger, step by step.

A file's version is the number of steps that made it. To change the tables, add a step to :data:`STEPS`; those that
have been released stay as they are.
"""

from collections.abc import Sequence

from bridge.sqlite_file import Step

# Times are microseconds since 1970 (UTC). A record is told by its place and the stream's time of it: a topic that was
# removed and made again counts its offsets from 0 once more. Triggers keep the sums, so that no row can be missed.
_FIRST: Step = (
    """CREATE TABLE ledger (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        installation TEXT NOT NULL,
        tom_identity TEXT,
        kept_bytes INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE position (
        topic TEXT NOT NULL,
        partition INTEGER NOT NULL,
        topic_id TEXT NOT NULL,
        next_offset INTEGER NOT NULL,
        PRIMARY KEY (topic, partition)) WITHOUT ROWID""",
    """CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        topic TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record_offset INTEGER NOT NULL,
        published_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT,
        detail TEXT NOT NULL,
        event_id TEXT,
        share_id TEXT,
        origin TEXT NOT NULL,
        origin_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        simple_subject TEXT NOT NULL,
        shared_by TEXT NOT NULL,
        title TEXT NOT NULL,
        record_key BLOB NOT NULL,
        UNIQUE (topic, partition, record_offset, published_at))""",
    "CREATE INDEX entry_by_event ON entry (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX entry_by_time ON entry (published_at)",
    "CREATE INDEX entry_by_subject ON entry (simple_subject, published_at)",
    """CREATE TABLE raw (
        entry_id INTEGER PRIMARY KEY REFERENCES entry (id),
        record_key BLOB,
        value BLOB NOT NULL,
        headers TEXT NOT NULL,
        bytes INTEGER NOT NULL)""",
    """CREATE TABLE parked (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        entry_id INTEGER NOT NULL REFERENCES entry (id),
        member TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        record_key BLOB NOT NULL,
        UNIQUE (entry_id, member))""",
    "CREATE INDEX parked_by_key ON parked (record_key, id)",
    """CREATE TABLE parked_name (
        simple TEXT NOT NULL,
        parked_id INTEGER NOT NULL REFERENCES parked (id) ON DELETE CASCADE,
        PRIMARY KEY (simple, parked_id)) WITHOUT ROWID""",
    "CREATE INDEX parked_name_by_parked ON parked_name (parked_id)",
    """CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        entry_id INTEGER NOT NULL UNIQUE REFERENCES entry (id))""",
    """CREATE TABLE intent (
        event_id TEXT NOT NULL,
        step TEXT NOT NULL,
        PRIMARY KEY (event_id, step)) WITHOUT ROWID""",
    """CREATE TABLE list (
        origin TEXT NOT NULL,
        name TEXT NOT NULL,
        handle TEXT NOT NULL,
        PRIMARY KEY (origin, name)) WITHOUT ROWID""",
    """CREATE TABLE tally (
        topic TEXT NOT NULL,
        origin TEXT NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        records INTEGER NOT NULL,
        PRIMARY KEY (topic, origin, kind, outcome)) WITHOUT ROWID""",
    "CREATE TABLE success (topic TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET records = records + 1;
    END""",
    """CREATE TRIGGER entry_changed AFTER UPDATE ON entry BEGIN
        UPDATE tally SET records = records - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET records = records + 1;
    END""",
    """CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
        UPDATE tally SET records = records - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
    END""",
    """CREATE TRIGGER entry_succeeded AFTER INSERT ON entry WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER entry_succeeded_later AFTER UPDATE ON entry WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER raw_added AFTER INSERT ON raw BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.bytes;
    END""",
    """CREATE TRIGGER raw_removed AFTER DELETE ON raw BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.bytes;
    END""",
)

_EVENTS: Step = (
    # An entry is one event of a record, told by the topic's identity; of earlier entries the newest of each place is
    # the one whose identity the position knows.
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        topic TEXT NOT NULL,
        topic_id TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record_offset INTEGER NOT NULL,
        number INTEGER NOT NULL,
        published_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT,
        detail TEXT NOT NULL,
        counted INTEGER NOT NULL DEFAULT 0,
        event_id TEXT,
        share_id TEXT,
        origin TEXT NOT NULL,
        origin_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        simple_subject TEXT NOT NULL,
        shared_by TEXT NOT NULL,
        title TEXT NOT NULL,
        record_key BLOB NOT NULL,
        UNIQUE (topic_id, partition, record_offset, number))""",
    """INSERT INTO event
        SELECT id, topic,
            CASE WHEN published_at = max(published_at) OVER (PARTITION BY topic, partition, record_offset)
                THEN coalesce((SELECT topic_id FROM position
                    WHERE position.topic = entry.topic AND position.partition = entry.partition), 'unknown ' || topic)
                ELSE 'before ' || id || ' ' || topic END,
            partition, record_offset, 0, published_at, recorded_at, outcome, reason, detail, 0, event_id, share_id,
            origin, origin_name, kind, subject, simple_subject, shared_by, title, record_key
        FROM entry""",
    "CREATE INDEX event_by_id ON event (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX event_by_time ON event (published_at)",
    "CREATE INDEX event_by_subject ON event (simple_subject, published_at)",
    "CREATE INDEX event_by_share ON event (share_id) WHERE share_id IS NOT NULL",
    # The record of something that waits or is dead: its beginning alone where the stream has to be asked again.
    """CREATE TABLE kept (
        topic_id TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record_offset INTEGER NOT NULL,
        topic TEXT NOT NULL,
        published_at INTEGER NOT NULL,
        record_key BLOB,
        value BLOB NOT NULL,
        headers TEXT NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        whole INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (topic_id, partition, record_offset))""",
    """INSERT INTO kept
        SELECT event.topic_id, event.partition, event.record_offset, event.topic, event.published_at, raw.record_key,
            raw.value, raw.headers, length(raw.value), sha256(raw.value), 1, raw.bytes
        FROM raw JOIN event ON event.id = raw.entry_id""",
    """CREATE TABLE waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event INTEGER NOT NULL REFERENCES event (id),
        member TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        counted INTEGER NOT NULL DEFAULT 0,
        topic_id TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record_offset INTEGER NOT NULL,
        number INTEGER NOT NULL,
        record_key BLOB NOT NULL,
        holds INTEGER NOT NULL,
        due_at INTEGER,
        looks INTEGER NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (event, member))""",
    """INSERT INTO waiting
        SELECT parked.id, entry_id, member, parked.reason, parked.detail, 0, topic_id, partition, record_offset, 0,
            parked.record_key, member = '' AND parked.reason != 'newer version',
            CASE WHEN parked.reason IN ('no target', 'waits behind an earlier event') THEN NULL ELSE 0 END, 0, 0
        FROM parked JOIN event ON event.id = parked.entry_id""",
    """CREATE INDEX waiting_in_line ON waiting (topic_id, partition, record_key, record_offset, number)
        WHERE holds""",
    "CREATE INDEX waiting_by_due ON waiting (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX waiting_by_record ON waiting (topic_id, partition, record_offset)",
    """CREATE TABLE waiting_name (
        simple TEXT NOT NULL,
        waiting INTEGER NOT NULL REFERENCES waiting (id) ON DELETE CASCADE,
        PRIMARY KEY (simple, waiting)) WITHOUT ROWID""",
    "CREATE INDEX waiting_name_by_waiting ON waiting_name (waiting)",
    "INSERT INTO waiting_name SELECT simple, parked_id FROM parked_name",
    """CREATE TABLE letter (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event INTEGER NOT NULL REFERENCES event (id),
        member TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        counted INTEGER NOT NULL DEFAULT 0,
        UNIQUE (event, member))""",
    """INSERT INTO letter
        SELECT dead.id, event.id, '', coalesce(event.reason, 'internal error'), event.detail, 0
        FROM dead JOIN event ON event.id = dead.entry_id""",
    # An id is never used again, also not one of something that is gone by now.
    "DELETE FROM sqlite_sequence WHERE name IN ('waiting', 'letter')",
    """INSERT INTO sqlite_sequence
        SELECT CASE name WHEN 'parked' THEN 'waiting' ELSE 'letter' END, seq FROM sqlite_sequence
        WHERE name IN ('parked', 'dead')""",
    # What is done stays done for ever: applied, or found there in full, with nothing of it waiting. That an event "came
    # before" says nothing.
    """CREATE TABLE done (
        origin TEXT NOT NULL,
        event_id TEXT NOT NULL,
        witness TEXT NOT NULL,
        PRIMARY KEY (origin, event_id)) WITHOUT ROWID""",
    """INSERT OR IGNORE INTO done SELECT origin, event_id, 'done' FROM event
        WHERE event_id IS NOT NULL AND outcome IN ('applied', 'duplicate')
            AND detail NOT LIKE '%"message": "this event came before"%'
            AND id NOT IN (SELECT event FROM waiting)""",
    """CREATE TABLE begun (
        origin TEXT NOT NULL,
        event_id TEXT NOT NULL,
        step TEXT NOT NULL,
        PRIMARY KEY (event_id, origin, step)) WITHOUT ROWID""",
    # Whose event it was is not known where nothing of it was recorded yet, or where several have that id.
    """INSERT INTO begun SELECT coalesce((SELECT CASE WHEN min(origin) = max(origin) THEN min(origin) END
        FROM event WHERE event.event_id = intent.event_id), ''), event_id, step FROM intent""",
    # What was said of a share, once for all of its events; of those from before nobody kept it.
    """CREATE TABLE words (
        origin TEXT NOT NULL,
        share_id TEXT NOT NULL,
        said TEXT NOT NULL,
        counted INTEGER NOT NULL,
        PRIMARY KEY (origin, share_id))""",
    # A display name belongs to the first origin that used it here.
    """CREATE TABLE origin_name (
        simple TEXT PRIMARY KEY,
        origin TEXT NOT NULL) WITHOUT ROWID""",
    """INSERT OR IGNORE INTO origin_name SELECT name_key(origin_name), origin
        FROM (SELECT origin_name, origin, min(id) AS first FROM event
            WHERE origin_name != '' AND outcome != 'ignored' GROUP BY origin_name, origin)
        ORDER BY first""",
    "DROP TABLE parked_name",
    "DROP TABLE parked",
    "DROP TABLE dead",
    "DROP TABLE raw",
    "DROP TABLE entry",
    "DROP TABLE intent",
    "ALTER TABLE tally RENAME COLUMN records TO events",
    "ALTER TABLE position ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE position ADD COLUMN tries_since INTEGER",
    "ALTER TABLE position ADD COLUMN alone_before INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE former (installation TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE heartbeat (
        process TEXT PRIMARY KEY,
        started_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        state TEXT NOT NULL,
        ended INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TRIGGER event_added AFTER INSERT ON event BEGIN
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET events = events + 1;
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted WHERE new.counted > 0;
    END""",
    """CREATE TRIGGER event_changed AFTER UPDATE ON event BEGIN
        UPDATE tally SET events = events - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET events = events + 1;
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted - old.counted WHERE new.counted != old.counted;
    END""",
    """CREATE TRIGGER event_removed AFTER DELETE ON event BEGIN
        UPDATE tally SET events = events - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
        UPDATE ledger SET kept_bytes = kept_bytes - old.counted WHERE old.counted > 0;
    END""",
    """CREATE TRIGGER event_succeeded AFTER INSERT ON event WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER event_succeeded_later AFTER UPDATE ON event WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER kept_added AFTER INSERT ON kept BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.bytes;
    END""",
    """CREATE TRIGGER kept_removed AFTER DELETE ON kept BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.bytes;
    END""",
    """CREATE TRIGGER words_added AFTER INSERT ON words WHEN new.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted;
    END""",
    """CREATE TRIGGER words_removed AFTER DELETE ON words WHEN old.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.counted;
    END""",
    """CREATE TRIGGER waiting_added AFTER INSERT ON waiting WHEN new.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted;
    END""",
    """CREATE TRIGGER waiting_changed AFTER UPDATE ON waiting WHEN new.counted != old.counted BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted - old.counted;
    END""",
    """CREATE TRIGGER waiting_removed AFTER DELETE ON waiting WHEN old.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.counted;
    END""",
    """CREATE TRIGGER letter_added AFTER INSERT ON letter WHEN new.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted;
    END""",
    """CREATE TRIGGER letter_changed AFTER UPDATE ON letter WHEN new.counted != old.counted BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.counted - old.counted;
    END""",
    """CREATE TRIGGER letter_removed AFTER DELETE ON letter WHEN old.counted > 0 BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.counted;
    END""",
)

_WROTE: Step = (
    # Of each row of the TOM that the bridge wrote a digest, so that it is known when the TOM gives it out.
    "CREATE TABLE wrote (digest BLOB PRIMARY KEY) WITHOUT ROWID",
)

_OF_ORIGIN: Step = ("CREATE INDEX event_by_origin ON event (origin, published_at)",)

_OF_REASON: Step = (
    "CREATE INDEX waiting_by_reason ON waiting (reason)",
    "CREATE INDEX letter_by_reason ON letter (reason)",
)

STEPS: Sequence[Step] = (_FIRST, _EVENTS, _WROTE, _OF_ORIGIN, _OF_REASON)
"""What makes a file of version n + 1 from one of version n (0: an empty file), as SQL statements."""
