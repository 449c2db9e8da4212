"""Guarantee 9: a backup that is put back heals: the consumer goes on from where the backup was."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from parts.bridges import Subscribed, holdings
from parts.shares import SUPERNOVA, best_of_all, on_day, photometry, product
from parts.wait import wait_until

from bridge.events import TargetReference
from bridge.ledger.port import Outcome

EARLIER = [SUPERNOVA, photometry(2), on_day(1, reference=TargetReference(name="M 33"))]
LATER = [on_day(2), product(product_id="lc-1"), on_day(3, 2)]


def _back_up(path: Path, to: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM INTO ?", (str(to),))


def _restore(path: Path, backup: Path) -> None:
    """Put a backup in the place of a database, as docs/ledger.md says."""
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    fresh = path.with_name(f"{path.name}.restored")
    shutil.copyfile(backup, fresh)
    fresh.replace(path)


def _back_up_both(beta: Subscribed) -> None:
    _back_up(beta.ledger, beta.folder / "ledger.backup")
    _back_up(beta.tom.site.database, beta.folder / "tom.backup")


def _restore_both(beta: Subscribed) -> None:
    _restore(beta.ledger, beta.folder / "ledger.backup")
    _restore(beta.tom.site.database, beta.folder / "tom.backup")


def test_tom_and_ledger_put_back_together_catch_up(alpha, beta):
    alpha.publish(*EARLIER)
    beta.drain()
    _back_up_both(beta)
    alpha.publish(*LATER, best_of_all())
    beta.drain()
    wanted, outcomes = holdings(beta.tom), beta.outcomes()
    _restore_both(beta)
    assert beta.position() == 3
    assert holdings(beta.tom) != wanted
    beta.drain()
    assert holdings(beta.tom) == wanted
    assert beta.outcomes() == outcomes


def test_a_daemon_that_runs_on_while_a_backup_is_put_back_catches_up(alpha, beta):
    alpha.publish(*EARLIER)
    beta.drain()
    _back_up_both(beta)
    with beta.daemon() as daemon:
        alpha.publish(*LATER)
        daemon.wait_for("event.applied", 3)
        wanted = holdings(beta.tom)
        _restore_both(beta)
        alpha.publish(on_day(7))  # with the next event it notices
        wait_until(lambda: beta.position() == 7, what="the last event")
        assert daemon.end() == 0
    beta.drain()
    held = holdings(beta.tom)
    assert len(held["photometry"]) == len(wanted["photometry"]) + 1
    assert held["products"] == wanted["products"]
    assert beta.outcomes().count(Outcome.APPLIED) == 6


def test_a_ledger_put_back_alone_finds_what_came_since_and_doubles_nothing(alpha, beta):
    alpha.publish(*EARLIER)
    beta.drain()
    _back_up_both(beta)
    alpha.publish(*LATER)
    beta.drain()
    wanted = holdings(beta.tom)
    _restore(beta.ledger, beta.folder / "ledger.backup")
    beta.drain()
    assert holdings(beta.tom) == wanted
    assert beta.outcomes() == [Outcome.APPLIED] * 2 + [Outcome.PARKED] + [Outcome.DUPLICATE] * 3


def test_a_ledger_put_back_alone_takes_a_list_that_it_has_forgotten_for_somebody_elses(alpha, beta):
    alpha.publish(*EARLIER)
    beta.drain()
    _back_up_both(beta)
    alpha.publish(best_of_all())
    beta.drain()
    _restore(beta.ledger, beta.folder / "ledger.backup")
    beta.drain()
    beta.replay(restore=True)
    members = ["M 31", "SN 2024abc"]
    lists = {name: names for name, names in beta.tom.lists().items() if name.startswith("Best of all")}
    assert lists == {"Best of all": members, "Best of all (from Alpha TOM)": members}


def test_a_tom_put_back_alone_is_made_whole_by_restore(alpha, beta):
    alpha.publish(*EARLIER)
    beta.drain()
    _back_up_both(beta)
    alpha.publish(*LATER, best_of_all())
    beta.drain()
    wanted = holdings(beta.tom)
    _restore(beta.tom.site.database, beta.folder / "tom.backup")
    beta.drain()
    assert holdings(beta.tom) != wanted
    beta.replay(restore=True)
    assert holdings(beta.tom) == wanted


@pytest.mark.parametrize("lost", ["ledger", "both"])
def test_a_lost_ledger_costs_the_reading_of_all_history_and_nothing_else(lost, alpha, beta):
    alpha.publish(*EARLIER, *LATER)
    beta.drain()
    wanted = holdings(beta.tom)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{beta.ledger}{suffix}").unlink(missing_ok=True)
    if lost == "both":
        beta.tom.reset()
    beta.drain()
    assert holdings(beta.tom) == wanted
    assert len(beta.parked()) == 1
