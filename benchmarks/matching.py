"""What a match costs in a TOM of few and of many targets, alone and in a unit of 500, beside TOM Toolkit's own.

Each name is looked for with an alias, written in another way than the target's. TOM Toolkit's side is
``Target.matches.match_name`` of the one name; it looks at every target, so that it is not timed among a million.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

import random
import statistics
from collections.abc import Iterator

from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row, ms, now, took_s

FEW, MANY, MOST = 1_000, 20_000, 1_000_000
UNIT = 500
_FINDS = 100


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield rows for a thousand and twenty thousand targets."""
    yield from _rows(stage, effort, MANY)


def at_scale(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield rows for a thousand and a million targets."""
    yield from _rows(stage, effort, MOST)


def _rows(stage: Stage, effort: Effort, most: int) -> Iterator[Row]:
    many = effort.many(most)
    for vendor in effort.vendors:
        with stage.in_process.tom(vendor) as tom:
            pk = tom.make_target("template")
            found: dict[int, dict[str, list[float]]] = {}
            for first, until in ((0, FEW), (FEW, many)):
                fill(vendor, pk, first, until)
                found[until] = _measured(until, effort.turns)
        small, large = found[FEW], found[many]
        yield Row(
            what=f"a match alone, {many:,} targets, {vendor}", unit="ms", ours=large["alone"],
            beside="match_name" if large["theirs"] else "", theirs=large["theirs"], goal=Goal(by=By.ITSELF, most=0.5),
        )  # fmt: skip
        yield Row(
            what=f"a match in a unit of {UNIT}, {many:,} targets, {vendor}", unit="µs", ours=large["in a unit"],
            goal=Goal(by=By.ITSELF, most=20.0),
        )  # fmt: skip
        for how, unit in (("alone", "ms"), ("in a unit", "µs")):
            yield Row(
                what=f"a match {how}, {many:,} targets, {vendor}", unit=unit, ours=large[how],
                beside=f"{FEW:,} targets", theirs=small[how], goal=Goal(most=1.5),
            )  # fmt: skip


def _measured(targets: int, turns: int) -> dict[str, list[float]]:
    """Return the milliseconds (in a unit: microseconds) of a match, a median a turn; half the names are nobody's."""
    from tom_targets.models import Target

    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    tom = DjangoTom(DjangoLedger(), {})
    found: dict[str, list[float]] = {"alone": [], "in a unit": [], "theirs": []}
    for _ in range(turns):
        wanted = [_names(random.randrange(targets), there=number % 2 == 0) for number in range(UNIT)]
        alone = [took_s(lambda names=names: tom.find(names)) for names in wanted[:_FINDS]]
        found["alone"].append(statistics.median(ms(alone)))
        started = now()
        answers = tom.find_each(wanted)
        found["in a unit"].append((now() - started) / len(wanted) * 1e6)
        if sum(map(len, answers)) != sum(number % 2 == 0 for number in range(UNIT)):
            raise RuntimeError(f"{sum(map(len, answers))} of {len(wanted)} names found")
        if targets <= MANY:
            name = wanted[0][0]
            found["theirs"].append(1000 * took_s(lambda name=name: list(Target.matches.match_name(name))))
    return found


def _names(number: int, *, there: bool) -> list[str]:
    return [f"t{number}A", f"at {number}"] if there else [f"No {number}", f"nowhere-{number}"]


def fill(vendor: str, pk: int, first: int, until: int) -> None:
    """Copy target ``pk`` in the database itself under the names ``T 1234-a``, each with an alias ``AT_1234``."""
    from django.db import connection
    from tom_targets.base_models import BaseTarget
    from tom_targets.models import TargetName

    quote = connection.ops.quote_name
    targets, names = (quote(model._meta.db_table) for model in (BaseTarget, TargetName))
    own = {"id", "name"}
    others = ", ".join(quote(field.column) for field in BaseTarget._meta.local_fields if field.column not in own)
    numbers = (
        f"(WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {until - 1}) "
        "SELECT n FROM numbers) AS numbered"
    )
    name = "'T ' || n || '-a'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {targets} (name, {others}) SELECT {name}, {others} "
            f"FROM {numbers}, (SELECT {others} FROM {targets} WHERE id = {pk}) AS template"
        )
        cursor.execute(
            f"INSERT INTO {names} (name, target_id, created, modified) "
            f"SELECT 'AT_' || n, t.id, t.created, t.modified FROM {numbers} JOIN {targets} AS t ON t.name = {name}"
        )
        cursor.execute("VACUUM ANALYZE" if vendor == "postgresql" else "ANALYZE")
