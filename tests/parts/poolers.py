"""What stands between a TOM and its PostgreSQL: PgBouncer, or psycopg's own pool, for the TOM of this process."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from parts.kafka import free_ports
from parts.wait import wait_until

_PGBOUNCER = "/usr/sbin/pgbouncer"
_CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
logfile = {folder}/log
pidfile = {folder}/pid
"""
POOLERS = ("pgbouncer", "psycopg pool")


@contextmanager
def pooled(pooler: str) -> Iterator[None]:
    """Let the connections of this process's TOM (on PostgreSQL) go by a pooler for a block."""
    with _pgbouncer() if pooler == "pgbouncer" else _psycopg_pool():
        yield


@contextmanager
def _psycopg_pool() -> Iterator[None]:
    from django.db import connections

    # Few connections, so that all that work at once have each other's in turn.
    with _connected(OPTIONS={"pool": {"min_size": 1, "max_size": 4, "timeout": 20}}):
        try:
            yield
        finally:
            for alias in connections:
                connections[alias].close()
                connections[alias].close_pool()


@contextmanager
def _pgbouncer() -> Iterator[None]:
    """Run PgBouncer with transaction pooling: after each transaction a server connection serves another client."""
    if not Path(_PGBOUNCER).exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs pgbouncer (a package of Debian)")
    from django.db import connections

    server = connections["default"].settings_dict
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    (listen,) = free_ports(1)
    given = {"name": server["NAME"], "host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    (folder / "pgbouncer.ini").write_text(_CONFIGURATION.format(**given, listen=listen, folder=folder))
    # It doesn't run as root; the server's account can reach the server's socket.
    account = Path(server["HOST"]).stat() if os.getuid() == 0 and server["HOST"].startswith("/") else None
    as_account: dict[str, Any] = {} if account is None else {"user": account.st_uid, "group": account.st_gid}
    if account is not None:
        shutil.chown(folder, account.st_uid, account.st_gid)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [_PGBOUNCER, str(folder / "pgbouncer.ini")], stdout=output, stderr=output, **as_account
        )
    try:
        with _connected(HOST="127.0.0.1", PORT=str(listen), DISABLE_SERVER_SIDE_CURSORS=True):
            wait_until(lambda: _answers(process), what="PgBouncer's answer")
            yield
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _connected(**changed: Any) -> Iterator[None]:
    """Connect with changed settings for a block; ``third`` stays with the server itself."""
    from django.db import connections

    aliases = ("default", "second")
    before = {alias: dict(connections[alias].settings_dict) for alias in aliases}
    for alias in aliases:
        connections[alias].close()
        connections[alias].settings_dict.update(changed)
    try:
        yield
    finally:
        for alias in aliases:
            connections[alias].close()
            connections[alias].settings_dict.update(before[alias])


def _answers(process: subprocess.Popen[bytes]) -> bool:
    from django.db import DatabaseError, connections

    assert process.poll() is None, "PgBouncer has ended"
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connections["default"].close()
        return False
    return True
