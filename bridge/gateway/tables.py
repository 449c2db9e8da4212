"""The tables of the gateway's file: an outbox, and what the gateway has to remember."""

from bridge.publishing.outbox_sqlite import TABLES as OUTBOX_TABLES
from bridge.publishing.outbox_sqlite import UNCLEAR
from bridge.sqlite_file import Format, Step

# Times are seconds since 1970 (UTC).
_FIRST: Step = (
    *OUTBOX_TABLES,
    """CREATE TABLE account (
        name TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        display_name TEXT NOT NULL,
        installation TEXT NOT NULL,
        secret_sha256 TEXT NOT NULL,
        topics TEXT NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    # The targets that a TOM has shared in full to a topic; the token is their id in all answers.
    """CREATE TABLE target (
        token TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        name TEXT NOT NULL,
        toms_key INTEGER,
        body TEXT NOT NULL,
        came INTEGER NOT NULL DEFAULT 0,
        shared_at REAL NOT NULL)""",
    "CREATE INDEX target_by_name ON target (account, topic, name)",
    "CREATE INDEX target_by_key ON target (account, topic, toms_key)",
    """CREATE TABLE written_as (
        token TEXT NOT NULL REFERENCES target (token) ON DELETE CASCADE,
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        written TEXT NOT NULL,
        first INTEGER NOT NULL,
        PRIMARY KEY (account, topic, written, first, token)) WITHOUT ROWID""",
    "CREATE INDEX written_by_token ON written_as (token)",
    # What was accepted and is not in the outbox yet. A line holds what becomes events in its order.
    """CREATE TABLE pending (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        line TEXT NOT NULL,
        token TEXT NOT NULL,
        sort TEXT NOT NULL,
        body TEXT NOT NULL,
        share_id TEXT NOT NULL,
        shared_by TEXT NOT NULL,
        at REAL NOT NULL)""",
    "CREATE INDEX pending_by_line ON pending (account, topic, line, id)",
    """CREATE TABLE share (
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        share_id TEXT NOT NULL,
        shared_by TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (account, topic)) WITHOUT ROWID""",
    # Every datum and product that was accepted, so that an equal one is known.
    """CREATE TABLE seen (
        token TEXT NOT NULL,
        digest BLOB NOT NULL,
        PRIMARY KEY (token, digest)) WITHOUT ROWID""",
    """CREATE TABLE tally (
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        what TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        number INTEGER NOT NULL,
        last_at REAL NOT NULL,
        PRIMARY KEY (account, topic, what, outcome, reason)) WITHOUT ROWID""",
    """CREATE TABLE question (
        account TEXT NOT NULL,
        topic TEXT NOT NULL,
        asked TEXT NOT NULL,
        times INTEGER NOT NULL,
        last_at REAL NOT NULL,
        PRIMARY KEY (account, topic, asked)) WITHOUT ROWID""",
    "CREATE INDEX question_by_time ON question (last_at)",
    "CREATE TABLE service (one INTEGER PRIMARY KEY CHECK (one = 1), address TEXT NOT NULL, alive_at REAL NOT NULL)",
)

GATEWAY = Format(
    what="the gateway's file",
    where="state",
    application_id=0x54424757,  # TBGW
    steps=(_FIRST, UNCLEAR),
    mend="Put back a backup of it; what was accepted since, and not yet sent, is lost",
)
FILE = "gateway.db"
"""Its name, in the folder of the state."""
