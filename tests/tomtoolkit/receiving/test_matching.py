"""Finding targets by name in process: TOM Toolkit's rule for every letter, at a cost that doesn't grow."""

import re
from typing import Any

import pytest
from parts.django_tom import InProcessTom

from bridge.names import simplify


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("α Cen", "Α CEN"),  # Greek, with a capital alpha
        ("Α CEN", "α cen"),
        ("Öpik (2)", "öPIK-2"),
        ("ÖPIK 2", "öpik2"),
        ("K2-18", "K2-18"),  # the sign for kelvin
        ("İ Ori", "i̇ ori"),
        ("ΑΣ", "ας"),
        ("Å 1", "å1"),  # the sign for angstrom
    ],
)
def test_a_name_with_letters_beyond_ascii_is_found(tom: Any, orm_tom: InProcessTom, stored: str, asked: str) -> None:
    assert simplify(stored) == simplify(asked)
    orm_tom.make_target(stored)
    orm_tom.make_target("Other", aliases=["x" + stored])
    assert [found.name for found in tom.find([asked])] == [stored]
    assert [found.name for found in tom.find(["x" + asked])] == ["Other"]
    assert tom.appeared([simplify(asked), "y" + simplify(asked)]) == {simplify(asked)}


def test_a_name_with_many_such_letters_is_found(tom: Any, orm_tom: InProcessTom) -> None:
    orm_tom.make_target("Большая Медведица в июле")
    orm_tom.make_target("Большая Медведица в июне")
    assert [found.name for found in tom.find(["БОЛЬШАЯ МЕДВЕДИЦА В ИЮЛЕ"])] == ["Большая Медведица в июле"]


def test_what_differs_only_in_a_letter_beyond_ascii_does_not_match(tom: Any, orm_tom: InProcessTom) -> None:
    orm_tom.make_target("α Cen")
    assert tom.find(["β Cen"]) == tom.find(["Cen"]) == tom.find(["a Cen"]) == ()


def test_every_letter_has_its_spellings() -> None:
    from bridge.tomtoolkit.rows.names import spellings

    for code in range(0x80, 0x110000):
        letter = chr(code)
        simple = simplify(f"x{letter}y")
        if simple != f"x{letter}y":
            assert f"x{letter}y" in (spellings(simple) or ()), hex(code)


def test_looking_for_names_reads_no_table_from_end_to_end(tom: Any, orm_tom: InProcessTom) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from tom_targets.models import BaseTarget, TargetName

    BaseTarget.objects.bulk_create(BaseTarget(name=f"ZTF-{number} x", type="SIDEREAL") for number in range(5000))
    targets = BaseTarget.objects.all()
    TargetName.objects.bulk_create(TargetName(name=f"AT {target.pk} y", target=target) for target in targets)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(tom.find(["ZTF4711x", "α Cen"])) == 1
            assert len(tom.find(["Большая Медведица в июле"])) == 0
            assert tom.appeared(["at17y", "m31"]) == {"at17y"}
        looked = [query["sql"] for query in asked if "lower" in query["sql"] or "length" in query["sql"]]
        assert len(looked) == 3
        explain = "EXPLAIN QUERY PLAN " if orm_tom.vendor == "sqlite" else "EXPLAIN "
        for sql in looked:
            cursor.execute(explain + _literal(sql.rpartition("; ")[2]).replace("%", "%%"))
            plan = " ".join(str(row) for row in cursor.fetchall())
            assert plan.count("tom_bridge_tom_targets") >= 2, (sql, plan)  # names of targets, and aliases
            assert "Seq Scan on tom_targets_basetarget" not in plan, plan
            assert "Seq Scan on tom_targets_targetname" not in plan, plan


_LIST = re.compile(r"(?<=json_each\()\[.*?\](?=\))")


def _literal(sql: str) -> str:
    """Return a query that SQLite takes: in Django's log JSON lists may stand without quotes."""
    return _LIST.sub(lambda given: "'" + given[0].replace("'", "''") + "'", sql)


def test_a_match_is_one_question(tom: Any, orm_tom: InProcessTom) -> None:
    """On PostgreSQL one message to the server, too: each costs as much as looking itself."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    orm_tom.make_target("A 1", aliases=["B"], extras={"redshift": "0.1"})
    with CaptureQueriesContext(connection) as asked:
        (found,) = tom.find(["b"])
        assert tom.find(["nobody"]) == ()
    assert (found.name, found.aliases, found.extras) == ("A 1", ("B",), {"redshift": "0.1"})
    assert len(asked) == 2


def test_the_index_is_made_again_when_it_is_gone(orm_tom: InProcessTom) -> None:
    from django.core.management import call_command
    from django.db import connection

    def indexes() -> set[str]:
        with connection.cursor() as cursor:
            found: set[str] = set()
            for table in ("tom_targets_basetarget", "tom_targets_targetname"):
                found |= set(connection.introspection.get_constraints(cursor, table))
        return {name for name in found if name.startswith("tom_bridge")}

    before = indexes()
    assert len(before) == 4
    with connection.cursor() as cursor:
        for name in before:
            cursor.execute(f"DROP INDEX {name}")
    call_command("migrate", "tom_bridge", verbosity=0)
    assert indexes() == before
