"""TOMs with a target model or a match manager of their own: settings that are read once, so each has its process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parts import warm
from parts.django_tom import InProcess, render_with_bridge
from parts.tom_site import Site

_MODELS = """
from django.db import models
from tom_targets.base_models import BaseTarget


class UserDefinedTarget(BaseTarget):
    redshift = models.FloatField(null=True, blank=True)
    confirmed = models.BooleanField(default=False)
    host = models.CharField(max_length=10, default='', blank=True)
    mass = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    seen = models.DateTimeField(null=True, blank=True)
    count = models.IntegerField(null=True, blank=True)

    def give_user_access(self, user):
        super().give_user_access(user)
        self.targetextra_set.create(key='given to', value=str(user))

    class Meta:
        verbose_name = 'target'
        permissions = tuple((f'{right}_target', f'{right} target') for right in ('view', 'add', 'change', 'delete'))
"""
_MANAGER = """
from tom_targets.base_models import TargetMatchManager


class Prefixes(TargetMatchManager):
    def simplify_name(self, name):
        simple = super().simplify_name(name)
        return simple.removeprefix('sn').removeprefix('at')
"""
_START = """
import json, django
django.setup()
from django.core.management import call_command
call_command('makemigrations', 'custom_code', verbosity=0)
call_command('migrate', verbosity=0)
from django.contrib.auth.models import Group, User
from bridge.events import Target, uuid7, EventRef
from bridge.tom.port import Additions, NewTarget, Provenance
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.receiving.tom import DjangoTom
from tom_targets.models import Target as Model
tom = DjangoTom(DjangoLedger(), {'': ('Observers',)})
provenance = Provenance(event=EventRef("another-tom", uuid7()), origin_name='Alpha TOM', shared_by='ada')
result = None


def new(targets, lists=()):
    return [NewTarget(target=target, lists=tuple(lists), provenance=provenance) for target in targets]
"""

Run = Callable[[str], Any]


def run(site: Site, code: str) -> Any:
    code = f"{_START}\n{code}\nprint(json.dumps(result))"
    done = warm.run(["-W", "ignore", "-c", code], environment=site.environment, folder=site.folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def custom(in_process: InProcess, tmp_path: Path) -> Callable[..., Site]:
    """Return a site whose ``custom_code`` has what the tests put there."""

    def make(module: str, text: str, **settings: Any) -> Site:
        site = render_with_bridge(in_process.site.toolkit, tmp_path, **settings)
        in_process.pristine.copy_to(site)
        (tmp_path / "custom_code" / f"{module}.py").write_text(text)
        if module == "models":
            (tmp_path / "custom_code/migrations").mkdir()
            (tmp_path / "custom_code/migrations/__init__.py").touch()
        return site

    return make


def test_a_target_model_of_the_toms_own_is_filled_from_extras_and_read_as_such(custom: Callable[..., Site]) -> None:
    site = custom("models", _MODELS, TARGET_MODEL_CLASS="custom_code.models.UserDefinedTarget")
    result = run(
        site,
        """
extras = {'redshift': '0.03', 'confirmed': 'True', 'host': 'much too long for it', 'class': 'Ia'}
target = Target(name='SN 2024abc', aliases=('ZTF1',), type='SIDEREAL', ra=1.0, dec=2.0, extras=extras)
(written,) = tom.create_targets(new([target], ['L']))
row = Model.objects.get()
found, = tom.find(['ztf-1'])
tom.add_to_target(row.pk, Additions(extras={'host': 'M 31'}, fields={'epoch': 2000.0}), provenance)
user = User.objects.create_user('member')
user.groups.add(Group.objects.get())
from tom_targets.permissions import targets_for_user
result = {
    'model': type(row).__name__, 'redshift': row.redshift, 'confirmed': row.confirmed, 'host': row.host,
    'kept': {extra.key: extra.value for extra in row.targetextra_set.all()},
    'found': dict(found.extras), 'pk': found.pk == written.pk == row.pk, 'epoch': Model.objects.get().epoch,
    'seen': [target.name for target in targets_for_user(user, Model.objects.all(), 'change_target')],
}
""",
    )
    assert result == {
        "model": "UserDefinedTarget",
        "redshift": 0.03,
        "confirmed": True,
        "host": "",
        "kept": {"host": "much too long for it", "class": "Ia", "given to": "Observers"},
        "found": {
            "redshift": "0.03",
            "confirmed": "True",
            "host": "much too long for it",
            "class": "Ia",
            "given to": "Observers",
        },
        "pk": True,
        "epoch": 2000.0,
        "seen": ["SN 2024abc"],
    }


def test_a_match_manager_of_the_toms_own_decides(custom: Callable[..., Site]) -> None:
    site = custom("match", _MANAGER, MATCH_MANAGERS={"Target": "custom_code.match.Prefixes"})
    result = run(
        site,
        """
Model(name='AT 2024abc', type='SIDEREAL', ra=1.0, dec=2.0).save()
target = Target(name='SN 2024abc', type='SIDEREAL', ra=1.0, dec=2.0)
result = {
    'found': [target.name for target in tom.find(['SN 2024ABC'])],
    'appeared': sorted(tom.appeared(['sn2024abc', 'sn2024abd'])),
    'created': tom.create_targets(new([target])) != [None],
}
""",
    )
    assert result == {"found": ["AT 2024abc"], "appeared": ["sn2024abc"], "created": False}


def test_values_that_a_field_of_the_toms_own_cant_hold_stay_extras(custom: Callable[..., Site]) -> None:
    site = custom("models", _MODELS, TARGET_MODEL_CLASS="custom_code.models.UserDefinedTarget")
    result = run(
        site,
        """
wrong = {'mass': '1e300', 'redshift': 'nan', 'count': '9' * 30, 'seen': '99999-01-01'}
kept = {}
for number, (name, value) in enumerate(wrong.items()):
    target = Target(name=f'T {number}', type='SIDEREAL', ra=1.0, dec=2.0, extras={name: value})
    (written,) = tom.create_targets(new([target]))
    row = Model.objects.get(pk=written.pk)
    kept[name] = [getattr(row, name), row.targetextra_set.get(key=name).value]
target = Target(name='Overflow', type='SIDEREAL', ra=1.0, dec=2.0, extras={'seen': '0001-01-01T00:00:00+14:00'})
odd = tom.create_targets(new([target, Target(name='Well', type='SIDEREAL', ra=1.0, dec=2.0)]))
result = [kept, [type(one).__name__ for one in odd]]
""",
    )
    assert result == [
        {"mass": [None, "1e300"], "redshift": [None, "nan"], "count": [None, "9" * 30], "seen": [None, "99999-01-01"]},
        ["RejectedError", "Written"],
    ]
