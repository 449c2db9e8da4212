"""Spectra, targets in full and lists of a thousand: from a topic to committed rows, beside Django's own inserts.

Django's side makes the same rows: spectra by ``bulk_create``; a target as TOM Toolkit's forms make it, by its own
``save`` with aliases and extras and with the permissions of one group; a list of them in one ``add``. Transactions are
as large as the bridge's: one target, a hundred members.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from parts.django_tom import InProcessTom
from parts.tom_site import GROUP

from benchmarks.content import listed, spectra, spectroscopy, targets
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, rates, took_s
from bridge.events import COORDINATE_FIELDS, Target
from bridge.receiving.lists import MEMBERS_AT_ONCE

Work = Callable[[int], float]
BARE = "Django's own inserts"
_A_TRANSACTION = 57
"""Spectra of 3,000 channels in one transaction: 4 MiB, as the bridge writes them."""
MEMBERS = 1_000
_TURNS = 3


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each kind and database."""
    for vendor in effort.vendors:
        with stage.in_process.tom(vendor) as tom:
            for what, (number, ours, bare) in _works(tom, stage, effort).items():
                times = in_turns({"bridge": ours, BARE: bare}, effort, most=_TURNS)
                yield Row(
                    what=f"{what}, {vendor}",
                    unit="a second",
                    ours=rates(number, times["bridge"]),
                    beside=BARE,
                    theirs=rates(number, times[BARE]),
                    goal=Goal(least=1.0),
                )


def _works(tom: InProcessTom, stage: Stage, effort: Effort) -> dict[str, tuple[int, Work, Work]]:
    """Return by what is written: how many of it, the bridge's work and Django's."""
    receiving = Receiving(tom, stage.folder("kinds"))
    tom.make_target("spectra")
    own = tom.make_target("spectra of Django")
    many, some, members = effort.of(64), effort.of(60, least=2), effort.of(MEMBERS, least=2)
    return {
        "spectra of 3,000 channels": (
            many,
            lambda turn: receiving.receive_s(f"s{turn}", spectroscopy(turn, many, "spectra")),
            lambda turn: took_s(lambda: _spectra(own, list(spectra(turn, many)))),
        ),
        "targets in full": (
            some,
            lambda turn: receiving.receive_s(f"t{turn}", targets(turn, some)),
            lambda turn: took_s(lambda: _targets(targets(turn, some, "django"))),
        ),
        f"members of a list of {members:,}": (
            members,
            lambda turn: receiving.receive_s(f"l{turn}", [listed(turn, members)]),
            lambda turn: took_s(lambda: _list(turn, members)),
        ),
    }


def _spectra(pk: int, rows: list[dict[str, Any]]) -> None:
    from tom_dataproducts.models import SpectroscopyReducedDatum

    made = [SpectroscopyReducedDatum(target_id=pk, source_name="Alpha TOM", **row) for row in rows]
    for first in range(0, len(made), _A_TRANSACTION):
        SpectroscopyReducedDatum.objects.bulk_create(made[first : first + _A_TRANSACTION])


def _targets(wanted: Iterable[Target], a_transaction: int = 1) -> list[Any]:
    from django.contrib.auth.models import Group
    from django.db import transaction
    from guardian.shortcuts import assign_perm
    from tom_targets.models import Target as Model

    group, made, left = Group.objects.get(name=GROUP), [], list(wanted)
    for first in range(0, len(left), a_transaction):
        with transaction.atomic():
            for one in left[first : first + a_transaction]:
                fields = {name: getattr(one, name) for name in COORDINATE_FIELDS}
                target = Model(name=one.name, type=str(one.type), **fields)
                target.save(names=list(one.aliases), extras=dict(one.extras))
                for right in ("view", "change", "delete"):
                    assign_perm(f"tom_targets.{right}_target", group, target)
                made.append(target)
    return made


def _list(turn: int, members: int) -> None:
    from tom_targets.models import TargetList

    wanted = listed(turn, members, "django")
    full = (member.target for member in wanted.members if member.target is not None)
    made = _targets(full, MEMBERS_AT_ONCE)
    TargetList.objects.create(name=wanted.name).targets.add(*made)
