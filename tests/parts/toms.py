"""Real TOMs, served by gunicorn: start, reset, stop, kill, and what they hold.

Free of pytest: the demo uses it as well. The fixtures are in :mod:`parts.tom_fixtures`.
"""

import json
import os
import signal
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from parts import warm
from parts.tom_site import Pristine, Site, render
from parts.wait import wait_until

Row = dict[str, Any]

_MAKE_TARGET = """
from django.contrib.auth.models import Group, User
from guardian.shortcuts import assign_perm
from tom_targets.models import Target, TargetList
target = Target(name=name, **fields)
target.save(names=aliases, extras=extras)
for right in ('view', 'change', 'delete')[:3 if may_change else 1]:
    for who in [*User.objects.filter(username__in=users), *Group.objects.filter(name__in=groups)]:
        assign_perm(f'tom_targets.{right}_target', who, target)
for each in lists:
    TargetList.objects.get_or_create(name=each)[0].targets.add(target)
result = target.pk
"""


class Shell:
    """A ``manage.py shell`` of a TOM that stays open: what a person does there one after the other."""

    def __init__(self, site: Site, log: Path) -> None:
        theirs, asked = os.pipe()
        answered, ours = os.pipe()
        with log.open("ab") as errors:
            script = str(Path(__file__).with_name("tom_shell.py"))
            self._process = site.python(["-W", "ignore", script], streams=(theirs, ours, errors))
        os.close(theirs)
        os.close(ours)
        self._asked = os.fdopen(asked, "w")
        self._answered = os.fdopen(answered)

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, code: str, given: Mapping[str, Any]) -> Any:
        """Run Python in it, and return what that leaves in ``result``."""
        self._asked.write(json.dumps({"code": code, "given": given}) + "\n")
        self._asked.flush()
        answer = json.loads(self._answered.readline() or '{"error": "the shell ended; see the log of the TOM"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._asked.close()
        self._answered.close()


class Tom:
    """One real TOM on a port of its own. ``base_url`` ends without a slash."""

    def __init__(self, pristine: Pristine, folder: Path, *, settings: Mapping[str, Any] | None = None) -> None:
        self.pristine = pristine
        self.version = pristine.toolkit.version
        self.site: Site = render(pristine.toolkit, folder, settings=settings)
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "tom.log"
        self._server: warm.Process | None = None
        self._shell: Shell | None = None
        pristine.copy_to(self.site)

    # -- running -------------------------------------------------------------------------------------------------

    def start(self) -> "Tom":
        """Serve, and return when the TOM answers."""
        command = [
            "-W", "ignore", "-m", "gunicorn", "tomsite.wsgi",
            "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--workers", "1", "--threads", "4",
            "--keep-alive", "30", "--timeout", "120", "--graceful-timeout", "2", "--no-control-socket",
        ]  # fmt: skip
        with warm.NOTHING.open() as nothing, self.log.open("ab") as log:
            self._server = self.site.python(
                [part for part in command if part != "--no-control-socket" or self._has_control_socket()],
                streams=(nothing, log, log),
                new_session=True,
            )
        wait_until(self._answers, timeout_s=90, what=f"TOM at {self.base_url} (log: {self.log})")
        return self

    def stop(self) -> None:
        """End the TOM and its shell."""
        self.kill(signal.SIGTERM)
        if self._shell is not None:
            self._shell.end()
            self._shell = None

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """End the server at once; ``start()`` brings it back on the same port with what it holds."""
        if self._server is not None:
            if self._server.poll() is None:
                os.killpg(self._server.pid, with_signal)
            self._server.wait(timeout=20)
            self._server = None
            wait_until(self._refuses, what=f"the end of the TOM at {self.base_url}")

    def append_settings(self, code: str) -> None:
        """Add lines to the settings; they count from the next start on."""
        with (self.site.folder / "tomsite" / "settings.py").open("a") as file:
            file.write(code)

    def reset(self) -> None:
        """Put the pristine database back, and serve again where it was killed."""
        self.pristine.copy_to(self.site)
        if self._server is None or self._server.poll() is not None:
            self.start()

    def _has_control_socket(self) -> bool:
        return any(self.pristine.toolkit.packages.glob("gunicorn/ctl"))

    def _refuses(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0

    def _answers(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            raise AssertionError(f"the TOM ended while starting:\n{self.log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{self.base_url}/api/targets/?limit=1", timeout=30):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    # -- what the TOM holds --------------------------------------------------------------------------------------

    def query(self, sql: str, *given: object) -> list[Row]:
        """Return the rows of an SQL query on the TOM's own database file."""
        with closing(sqlite3.connect(f"file:{self.site.database}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql, given)]

    def targets(self) -> list[Row]:
        """Return all targets with all their columns, in the order in which they were made."""
        return self.query("SELECT * FROM tom_targets_basetarget ORDER BY id")

    def target(self, name: str) -> Row:
        """Return the target of exactly that name."""
        (row,) = self.query("SELECT * FROM tom_targets_basetarget WHERE name = ?", name)
        return row

    def aliases(self, name: str) -> set[str]:
        """Return the aliases of the target ``name``."""
        return {
            row["name"]
            for row in self.query(
                "SELECT a.name FROM tom_targets_targetname a JOIN tom_targets_basetarget t ON t.id = a.target_id "
                "WHERE t.name = ?",
                name,
            )
        }

    def extras(self, name: str) -> dict[str, str]:
        """Return the target extras of the target ``name``."""
        return {
            row["key"]: row["value"]
            for row in self.query(
                "SELECT e.key, e.value FROM tom_targets_targetextra e "
                "JOIN tom_targets_basetarget t ON t.id = e.target_id WHERE t.name = ?",
                name,
            )
        }

    def lists(self) -> dict[str, list[str]]:
        """Return the names of the targets in each target list; lists of one name are told apart by ``#2``."""
        found: dict[str, list[str]] = {}
        for row in self.query("SELECT id, name FROM tom_targets_targetlist ORDER BY id"):
            earlier = sum(name.split("#")[0] == row["name"] for name in found)
            members = self.query(
                "SELECT t.name FROM tom_targets_targetlist_targets m "
                "JOIN tom_targets_basetarget t ON t.id = m.basetarget_id WHERE m.targetlist_id = ? ORDER BY t.name",
                row["id"],
            )
            found[f"{row['name']}#{earlier + 1}" if earlier else row["name"]] = [each["name"] for each in members]
        return found

    def photometry(self, name: str | None = None) -> list[Row]:
        """Return photometric rows with all their columns and ``target`` (the name), oldest first.

        ``value`` is decoded: from 3.0 on the extra values, before the datum as it was written.
        """
        if self.version >= (3, 0):
            table, condition = "tom_dataproducts_photometryreduceddatum", "1"
        else:
            table, condition = "tom_dataproducts_reduceddatum", "d.data_type = 'photometry'"
        rows = self.query(
            f"SELECT d.*, t.name AS target FROM {table} d JOIN tom_targets_basetarget t ON t.id = d.target_id "
            f"WHERE {condition} AND (?1 IS NULL OR t.name = ?1) ORDER BY d.timestamp, d.id",
            name,
        )
        return [row | {"value": json.loads(row["value"])} for row in rows]

    def datums(self, data_type: str) -> list[Row]:
        """Return reduced data of a type with all columns of their model, oldest first; JSON is decoded.

        Before 3.0 the columns are those of ``ReducedDatum``, and ``value`` is the datum as it was written.
        """
        typed = data_type in {"photometry", "spectroscopy", "astrometry"} and self.version >= (3, 0)
        table = f"tom_dataproducts_{data_type if typed else ''}reduceddatum"
        condition = "" if typed else f"WHERE data_type = '{data_type}'"
        rows = self.query(f"SELECT * FROM {table} {condition} ORDER BY timestamp, id")
        encoded = ("value", "wavelength", "flux", "error")
        return [row | {name: json.loads(row[name]) for name in encoded if name in row} for row in rows]

    def products(self) -> list[Row]:
        """Return all data products with all their columns, ``target`` (the name) and ``path`` of the file."""
        rows = self.query(
            "SELECT p.*, t.name AS target FROM tom_dataproducts_dataproduct p "
            "JOIN tom_targets_basetarget t ON t.id = p.target_id ORDER BY p.id"
        )
        return [row | {"path": self.site.media / row["data"]} for row in rows]

    def viewers(self, name: str) -> set[str]:
        """Return the names of the groups that may see the target ``name``."""
        return {
            row["name"]
            for row in self.query(
                "SELECT DISTINCT g.name FROM guardian_groupobjectpermission o JOIN auth_group g ON g.id = o.group_id "
                "JOIN auth_permission p ON p.id = o.permission_id "
                "WHERE p.codename = 'view_target' AND o.object_pk = ?",
                str(self.target(name)["id"]),
            )
        }

    # -- what a person does --------------------------------------------------------------------------------------

    def shell(self, code: str, **given: Any) -> Any:
        """Run Python inside the TOM, as a person at ``manage.py shell``; return what it leaves in ``result``."""
        if self._shell is None or not self._shell.lives:
            self._shell = Shell(self.site, self.log)
        return self._shell.ask(code, given)

    def make_target(
        self,
        name: str,
        *,
        aliases: Sequence[str] = (),
        extras: Mapping[str, str] | None = None,
        users: Sequence[str] = ("bridge",),
        groups: Sequence[str] = (),
        lists: Sequence[str] = (),
        may_change: bool = True,
        **fields: Any,
    ) -> int:
        """Make a target as a person would and return its primary key.

        ``users`` and ``groups`` may view it (and change it, unless ``may_change`` is false). Without fields it is
        sidereal at RA 10, Dec 20.
        """
        if not fields.get("type"):
            fields = {"type": "SIDEREAL", "ra": 10.0, "dec": 20.0, **fields}
        pk: int = self.shell(
            _MAKE_TARGET,
            name=name,
            aliases=list(aliases),
            extras=dict(extras or {}),
            users=list(users),
            groups=list(groups),
            lists=list(lists),
            may_change=may_change,
            fields=fields,
        )
        return pk

    def delete_targets(self) -> None:
        """Delete all targets as a person would."""
        self.shell("from tom_targets.models import Target; Target.objects.all().delete()")


def free_port() -> int:
    """Return a port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
