"""Builds the site of a real TOM from TOM Toolkit's own template, without questions, and makes its database.

Free of pytest: the demo builds its TOMs with it as well.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from parts import warm

ADMIN_PASSWORD = "admin-of-the-tom-1"
BRIDGE_PASSWORD = "bridge-to-the-tom-1"
GROUP = "Observers"

SITE = "tomsite"

_URLS = """from django.conf import settings
from django.urls import include, path, re_path
from django.views.static import serve

urlpatterns = [
    path('', include('tom_common.urls')),
    # Stands for the web server in front of a TOM, which serves the files of data products.
    re_path(r'^data/(?P<path>.*)$', serve, {'document_root': settings.MEDIA_ROOT}),
]
"""

_WSGI = """import os
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tomsite.settings')
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""

_ACCOUNTS = """
import json, sys, django
django.setup()
from django.core.management import call_command
call_command('migrate', verbosity=0, interactive=False)
from django.contrib.auth.models import Group, User
from rest_framework.authtoken.models import Token
names = json.loads(sys.argv[1])
observers = Group.objects.create(name=names['group'])
admin = User.objects.create_superuser('admin', 'admin@example.org', names['admin_password'])
bridge = User.objects.create_user('bridge', 'bridge@example.org', names['bridge_password'])
bridge.groups.add(observers)
print(json.dumps({user.username: Token.objects.get_or_create(user=user)[0].key for user in (admin, bridge)}))
"""


_TOKENS = "tokens.json"


class ToolkitMissingError(Exception):
    """No Python with the wanted TOM Toolkit can be found here; the text says what was looked for."""


@dataclass(frozen=True)
class Toolkit:
    """One installed TOM Toolkit: the Python that has it, and where its packages are."""

    python: Path
    packages: Path
    version: tuple[int, ...]

    @classmethod
    def of(cls, python: Path) -> "Toolkit":
        """Return what ``python`` has installed; raise ToolkitMissingError where it has no TOM Toolkit."""
        asked = (
            "import importlib.metadata as m, importlib.util as u, pathlib;"
            "print(m.version('tomtoolkit')); print(pathlib.Path(u.find_spec('tom_setup').origin).parent.parent)"
        )
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolkitMissingError(f"{python} has no TOM Toolkit")
        version, packages = done.stdout.split("\n")[:2]
        return cls(python, Path(packages), tuple(int(part) for part in re.findall(r"\d+", version)[:3]))

    @classmethod
    def wanted(cls, release: int | str) -> "Toolkit":
        """Return the TOM Toolkit of that release (3, 2 or "3.0") which this machine has for tests.

        ``BRIDGE_TEST_TOOLKIT_3``, ``_2`` or ``_3_0`` names a Python; else the running one serves for 3, and
        ``.venv-toolkit-2`` and ``.venv-toolkit-3.0`` in the repository's root for the others.
        """
        variable = f"BRIDGE_TEST_TOOLKIT_{release}".replace(".", "_")
        root = Path(__file__).resolve().parents[2]
        default = sys.executable if release == 3 else root / f".venv-toolkit-{release}/bin/python"
        python = Path(os.environ.get(variable) or default)
        if not python.exists():
            raise ToolkitMissingError(f"{python} does not exist; {variable} may name a Python that has it")
        toolkit = cls.of(python)
        wanted = tuple(int(part) for part in str(release).split("."))
        if toolkit.version[: len(wanted)] != wanted:
            raise ToolkitMissingError(f"{python} has TOM Toolkit {toolkit.version}, not {release}; set {variable}")
        return toolkit


@dataclass(frozen=True)
class Site:
    """The folder of one TOM."""

    toolkit: Toolkit
    folder: Path

    @property
    def database(self) -> Path:
        """The TOM's SQLite file."""
        return self.folder / "db.sqlite3"

    @property
    def media(self) -> Path:
        """The folder of the files of data products."""
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of this TOM."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTHON"))}
        return kept | {"DJANGO_SETTINGS_MODULE": f"{SITE}.settings", "PYTHONPATH": str(self.folder)}

    def python(self, arguments: Sequence[str], *, streams: warm.Streams, new_session: bool = False) -> warm.Process:
        """Start the TOM's Python with ``arguments``."""
        start = warm.Python if self.toolkit.python == Path(sys.executable) else partial(warm.cold, self.toolkit.python)
        return start(
            arguments, environment=self.environment, folder=self.folder, streams=streams, new_session=new_session
        )


def render(toolkit: Toolkit, folder: Path, *, settings: Mapping[str, Any] | None = None) -> Site:
    """Write the site of a TOM into ``folder``, with ``settings`` in place of the template's own values."""
    template = (toolkit.packages / "tom_setup/templates/tom_setup/settings.tmpl").read_text()
    variables = {
        "SECRET_KEY": secrets.token_hex(32),
        "PROJECT_NAME": SITE,
        "CUSTOM_CODE_APP_NAME": "custom_code",
        "TARGET_TYPE": "SIDEREAL",
        "HINTS_ENABLED": "False",
    }
    text = re.sub(r"{{\s*(\w+)\s*}}", lambda found: variables.get(found[1], ""), template)
    overrides: dict[str, Any] = {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"],
        "MEDIA_ROOT": str(folder / "data"),
        # Its accounts are there for a test: to hash a password as it should be takes half a second, at each login.
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(folder / "cache"),
            }
        },
        **(settings or {}),
    }
    text += "\n" + "".join(f"{name} = {value!r}\n" for name, value in overrides.items())
    for package in (SITE, "custom_code"):
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").touch()
    for kept in ("data", "cache", "static", "templates"):
        (folder / kept).mkdir(exist_ok=True)
    (folder / SITE / "settings.py").write_text(text)
    (folder / SITE / "urls.py").write_text(_URLS)
    (folder / SITE / "wsgi.py").write_text(_WSGI)
    return Site(toolkit, folder)


@dataclass(frozen=True)
class Pristine:
    """A migrated database with its accounts and nothing else, to be copied for each TOM.

    Accounts: the superuser ``admin`` and the ordinary account ``bridge``, a member of the group :data:`GROUP`.
    """

    toolkit: Toolkit
    database: Path
    tokens: Mapping[str, str]
    """The API token of each account."""

    @classmethod
    def made(cls, toolkit: Toolkit, folder: Path) -> "Pristine":
        """Migrate a new database in ``folder`` (about 5 s) and make the accounts."""
        site = render(toolkit, folder)
        names = {"group": GROUP, "admin_password": ADMIN_PASSWORD, "bridge_password": BRIDGE_PASSWORD}
        done = subprocess.run(
            [toolkit.python, "-W", "ignore", "-c", _ACCOUNTS, json.dumps(names)],
            env=site.environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the TOM's database can't be made:\n{done.stdout}\n{done.stderr}")
        (folder / _TOKENS).write_text(done.stdout.splitlines()[-1])
        return cls.found(toolkit, folder)

    @classmethod
    def found(cls, toolkit: Toolkit, folder: Path) -> "Pristine":
        """Return what was made in ``folder``."""
        return cls(toolkit, Site(toolkit, folder).database, json.loads((folder / _TOKENS).read_text()))

    def copy_to(self, site: Site) -> None:
        """Put a copy in place of the site's database and files, also under a TOM that runs but isn't asked."""
        fresh = site.folder / "db.sqlite3.fresh"
        shutil.copyfile(self.database, fresh)
        fresh.replace(site.database)
        shutil.rmtree(site.media, ignore_errors=True)
        site.media.mkdir()
