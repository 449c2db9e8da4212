"""``manage.py bridge...``: the commands of tom-bridge inside of a real TOM, as its administrator runs them."""

import json
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.django_tom import InProcess
from parts.managed_tom import ManagedTom, Managing
from parts.shares import SUPERNOVA, on_day, one_of_each, photometry
from parts.streams import everything
from parts.tom_site import GROUP
from parts.wait import wait_until

from bridge.events import TargetReference

pytestmark = pytest.mark.tom
BETA = {"origin": "beta", "subscribe": [{"topic": TOPIC, "groups": [GROUP]}], "limits": {"attempts": 2}}
Ask = Callable[..., Any]


@pytest.fixture
def beta(in_process: InProcess, url: str, tmp_path: Path) -> ManagedTom:
    return ManagedTom(in_process.pristine, tmp_path / "beta", {**BETA, "stream": {"url": url}})


@pytest.fixture
def ask(beta: ManagedTom) -> Ask:
    """Return a function that runs a command with ``--json`` and returns its answer."""

    def call(*arguments: str, code: int = 0) -> Any:
        done = beta.manage(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return call


def outcomes(ask: Ask) -> list[str]:
    """Return what became of each record, oldest first."""
    return [line["outcome"] for line in reversed(ask("bridgeshares"))]


def test_what_is_on_the_topic_is_applied_and_told(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    alpha.publish(*one_of_each())
    done = beta.manage("bridgeconsume", "--until-end")
    assert done.returncode == 0, done.stderr
    assert len(beta.photometry("SN 2024abc")) == 5
    assert beta.viewers("SN 2024abc") == {GROUP}
    assert outcomes(ask) == ["applied"] * 4
    assert ask("bridgestatus")["outcomes"]["applied"] == 4
    assert [one["position"] for one in ask("bridgeposition", "show")] == [4]


def test_a_python_that_is_started_for_it_says_the_same(alpha: Publishing, beta: ManagedTom) -> None:
    alpha.publish(photometry(2))
    command = [sys.executable, "-W", "ignore", "manage.py", "bridgeconsume", "--until-end"]
    done = subprocess.run(
        command, env=beta.environment, cwd=beta.site.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    command[-2:] = ["bridgestatus"]
    done = subprocess.run(
        command, env=beta.environment, cwd=beta.site.folder, capture_output=True, text=True, check=False
    )
    same = beta.manage("bridgestatus")
    assert (done.returncode, done.stdout, done.stderr) == (same.returncode, same.stdout, same.stderr)
    assert "1 parked" in same.stdout


def test_what_is_parked_and_dead_is_shown_retried_and_dropped(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    alpha.publish(photometry(2))
    alpha.publish_bytes(b"no event")
    assert beta.manage("bridgeconsume", "--until-end").returncode == 0
    (parked,) = ask("bridgeparked", "list")
    assert (parked["subject"], parked["reason"]) == ("SN 2024abc", "no target")
    beta.make_target("SN 2024abc")
    assert ask("bridgeparked", "retry")["outcomes"] == {"applied": 1}
    assert len(beta.photometry("SN 2024abc")) == 2
    (dead,) = ask("bridgedead", "list")
    assert ask("bridgedead", "drop", str(dead["id"])) == {"dropped": 1}
    assert ask("bridgedead", "list") == []


def test_history_is_replayed_and_restored(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    alpha.publish(SUPERNOVA, on_day(1, 3))
    assert beta.manage("bridgeconsume", "--until-end").returncode == 0
    beta.shell("from tom_dataproducts.models import PhotometryReducedDatum as P; P.objects.all().delete()")
    assert ask("bridgereplay", "--topic", TOPIC, "--restore")["outcomes"] == {"applied": 1, "duplicate": 1}
    assert len(beta.photometry("SN 2024abc")) == 3


def test_topics_and_what_is_on_them_are_shown(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    alpha.publish(SUPERNOVA)
    assert beta.manage("bridgetopics", "create", "other").returncode == 0
    assert {topic["name"] for topic in ask("bridgetopics", "list")} >= {TOPIC, "other"}
    assert "SN 2024abc" in beta.manage("bridgetail", TOPIC, "--from-offset", "0").stdout


def test_a_consumer_ends_at_sigterm_and_goes_on_where_it_was(
    alpha: Publishing, beta: ManagedTom, ask: Ask, tmp_path: Path
) -> None:
    alpha.publish(SUPERNOVA)
    for day in range(2):
        alpha.publish(on_day(day))
        with beta.managing("bridgeconsume", log=tmp_path / "log") as consumer:
            wait_until(lambda day=day: len(beta.photometry()) == day + 1, timeout_s=60, what="the datum")
            assert consumer.end() == 0
    assert outcomes(ask) == ["applied"] * 3


@pytest.mark.waits
def test_a_database_that_is_locked_is_waited_for(alpha: Publishing, beta: ManagedTom, tmp_path: Path) -> None:
    alpha.publish(SUPERNOVA)
    with beta.managing("bridgeconsume", log=tmp_path / "log") as consumer:
        wait_until(beta.targets, timeout_s=60, what="the target")
        with closing(sqlite3.connect(beta.site.database, isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            alpha.publish(photometry(2))
            (told, *_) = consumer.wait_for("consumer.waiting")
            assert "locked" in told["message"]
            somebody.execute("ROLLBACK")
        wait_until(lambda: len(beta.photometry()) == 2, timeout_s=60, what="the datums")
        assert consumer.end() == 0


def test_a_database_that_has_gone_is_waited_for(alpha: Publishing, beta: ManagedTom, tmp_path: Path) -> None:
    alpha.publish(SUPERNOVA)
    away = beta.site.folder / "away.sqlite3"
    with beta.managing("bridgeconsume", log=tmp_path / "log") as consumer:
        wait_until(beta.targets, timeout_s=60, what="the target")
        beta.site.database.rename(away)
        alpha.publish(photometry(2))
        consumer.wait_for("consumer.waiting", 2)
        away.rename(beta.site.database)
        wait_until(lambda: len(beta.photometry()) == 2, timeout_s=60, what="the datums")
        assert consumer.end() == 0


def test_last_nights_backup_under_a_consumer_that_was_ahead_heals(
    alpha: Publishing, beta: ManagedTom, ask: Ask, tmp_path: Path
) -> None:
    alpha.publish(SUPERNOVA, on_day(1))
    with beta.managing("bridgeconsume", log=tmp_path / "log") as consumer:
        wait_until(lambda: len(beta.photometry()) == 1, timeout_s=60, what="last night's datum")
        backup = tmp_path / "backup.sqlite3"
        with closing(sqlite3.connect(beta.site.database)) as db, closing(sqlite3.connect(backup)) as copy:
            db.backup(copy)
        alpha.publish(on_day(2), on_day(3))
        wait_until(lambda: len(beta.photometry()) == 3, timeout_s=60, what="the datums of today")
        backup.rename(beta.site.database)
        wait_until(lambda: len(beta.photometry()) == 3, timeout_s=60, what="the datums of today once more")
        assert consumer.end() == 0
    assert len({row["timestamp"] for row in beta.photometry()}) == 3
    assert outcomes(ask) == ["applied"] * 4


def test_a_tom_that_is_emptied_under_a_consumer_ends_it_with_what_to_do(
    alpha: Publishing, beta: ManagedTom, ask: Ask, tmp_path: Path
) -> None:
    alpha.publish(SUPERNOVA, on_day(1))
    with beta.managing("bridgeconsume", log=tmp_path / "log") as consumer:
        consumer.wait_for("event.applied", 2)
        assert beta.manage("flush", "--no-input").returncode == 0
        assert consumer.wait() == 69
        assert "Traceback" not in consumer.said()
        told = consumer.said().splitlines()[-1]
    assert "was emptied (manage.py flush)" in told
    assert "manage.py bridgeidentity accept" in told
    with beta.managing("bridgeconsume", log=tmp_path / "anew") as consumer:
        consumer.wait_for("event.applied", 2)
        assert consumer.end() == 0
    assert outcomes(ask) == ["applied"] * 2
    assert len(beta.photometry()) == 1


def test_a_topic_that_does_not_exist_stops_the_consumer_with_a_mend(beta: ManagedTom) -> None:
    done = beta.manage("bridgeconsume")
    assert done.returncode == 69
    assert done.stderr.endswith(
        f"tom-bridge: topic '{TOPIC}' does not exist on the stream. Create it: manage.py bridgetopics create {TOPIC}\n"
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"origin": None}, "TOM_BRIDGE: origin: is missing"),
        ({"subscribe": []}, "subscribe: is missing"),
        ({"streamz": {}}, "streamz"),
        ({"data_product_types": {"spectrum": "nonsense"}}, "'nonsense', for 'spectrum', is no data product type"),
    ],
    ids=["no origin", "no subscription", "a key that there isn't", "a foreign type"],
)
def test_a_wrong_setting_is_one_line_and_code_2(beta: ManagedTom, changed: dict[str, Any], told: str) -> None:
    beta.configure(**changed)
    done = beta.manage("bridgeconsume")
    assert done.returncode == 2, done.stderr
    assert told in done.stderr.splitlines()[-1]


def test_a_wrong_command_line_is_one_line_and_code_2(beta: ManagedTom) -> None:
    done = beta.manage("bridgestatus", "--nonsense")
    assert done.returncode == 2
    assert "'manage.py bridgestatus --help'" in done.stderr.splitlines()[-1]


def test_help_names_the_commands_as_they_are_called_here(beta: ManagedTom) -> None:
    for arguments in (("bridgeposition", "set", "--help"), ("help", "bridgestatus")):
        done = beta.manage(*arguments)
        assert done.returncode == 0, done.stderr
        assert "manage.py bridge" in done.stdout
        assert "tom-bridge" not in done.stdout


def test_a_tom_that_is_not_migrated_is_told_so(beta: ManagedTom) -> None:
    beta.site.database.unlink()
    with closing(sqlite3.connect(beta.site.database)) as db:
        db.execute("CREATE TABLE empty (here)")
    for command, code in (("bridgestatus", 69), ("bridgedoctor", 1)):
        done = beta.manage(command)
        assert done.returncode == code
        assert "python manage.py migrate" in done.stdout + done.stderr


def findings(ask: Ask, level: str, code: int = 0) -> dict[str, str]:
    """Return what doctor finds of that level."""
    return {one["what"]: one["mend"] for one in ask("bridgedoctor", code=code) if one["level"] == level}


def test_doctor_finds_nothing_wrong_where_all_is_well(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    assert findings(ask, "warn") == {}
    told = findings(ask, "ok")
    assert "sqlite, all migrations are applied" in told
    assert f"beta receives {TOPIC}" in told


def test_doctor_finds_a_group_and_a_topic_that_do_not_exist(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    beta.configure(
        subscribe=[{"topic": TOPIC, "groups": ["Nobody"]}], publish=[{"topic": "nowhere", "groups": ["No one"]}]
    )
    told = findings(ask, "fail", code=1)
    assert f"TOM_BRIDGE: subscribe: {TOPIC}: there is no group 'Nobody'" in told
    assert "TOM_BRIDGE: publish: nowhere: there is no group 'No one'" in told
    assert told["nowhere does not exist"].endswith("topics create nowhere")


def test_a_group_that_does_not_exist_costs_no_event(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    beta.configure(subscribe=[{"topic": TOPIC, "groups": ["Nobody"]}])
    alpha.publish(SUPERNOVA)
    done = beta.manage("bridgeconsume", "--until-end")
    assert "groups.missing" in done.stderr
    assert outcomes(ask) == ["applied"]
    assert beta.viewers("SN 2024abc") == set()


def test_monitoring_is_told_of_a_group_that_was_deleted(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    done = beta.manage("bridgestatus", "--check")
    assert (done.returncode, done.stdout.strip()) == (0, "All is well")
    beta.shell("from django.contrib.auth.models import Group; Group.objects.all().delete()")
    done = beta.manage("bridgestatus", "--check")
    assert done.returncode == 1
    assert f"TOM_BRIDGE: subscribe: {TOPIC}: there is no group '{GROUP}'" in done.stdout
    assert f"there is no group '{GROUP}'" in beta.manage("bridgestatus").stdout
    assert ask("bridgestatus")["well"] is False
    assert "Problem: TOM_BRIDGE" in beta.manage("bridgemail", "--dry-run").stdout


def test_monitoring_is_told_of_shares_that_nobody_sends(alpha: Publishing, beta: ManagedTom) -> None:
    beta.configure(publish=[{"topic": TOPIC}])
    shared(beta, "M 31")
    assert beta.manage("bridgestatus", "--check").returncode == 0, "it was shared a moment ago"
    beta.shell(
        "from datetime import datetime, timedelta, timezone\n"
        "from bridge.tomtoolkit.models import OutboxEvent\n"
        "OutboxEvent.objects.update(created=datetime.now(timezone.utc) - timedelta(hours=1))"
    )
    done = beta.manage("bridgestatus", "--check")
    assert done.returncode == 1
    assert "1 events wait to be sent" in done.stdout
    assert "bridgerun" in done.stdout
    assert beta.manage("bridgerelay", "--until-end").returncode == 0
    assert beta.manage("bridgestatus", "--check").returncode == 0


@pytest.mark.parametrize("mode", ["DEFERRED", "IMMEDIATE"])
def test_doctor_asks_for_transactions_that_sqlite_does_not_refuse(
    alpha: Publishing, beta: ManagedTom, ask: Ask, mode: str
) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(beta.site.database)}
    beta._settings = f"DATABASES = {{'default': {database | {'OPTIONS': {'transaction_mode': mode}}!r}}}\n"
    beta.set()
    told = [mend for what, mend in findings(ask, "warn").items() if "database is locked" in what]
    assert told == ([] if mode == "IMMEDIATE" else ["Set 'OPTIONS': {'transaction_mode': 'IMMEDIATE', 'timeout': 20}"])


_ROUTED = """
DATABASES['replica'] = dict(DATABASES['default'])
class Router:
    def db_for_read(self, model, **hints):
        return 'replica'
DATABASE_ROUTERS = [Router()]
"""


def test_a_router_that_reads_from_a_replica_stops_a_command_with_a_mend(beta: ManagedTom, ask: Ask) -> None:
    beta._settings = _ROUTED
    beta.set()
    done = beta.manage("bridgeconsume", "--until-end")
    assert done.returncode == 2
    assert "DATABASE_ROUTERS" in done.stderr
    assert "Let the routers name 'default'" in done.stderr
    assert "Traceback" not in done.stderr
    assert any("'replica'" in what for what in findings(ask, "fail", code=1))
    assert "tom_bridge.E007" in beta.manage("check").stderr


def test_doctor_finds_what_toolkit_shares_by_itself_and_a_missing_index(
    alpha: Publishing, beta: ManagedTom, ask: Ask
) -> None:
    beta.make_target("M 31")
    beta.shell(
        "from tom_targets.models import PersistentShare, Target\n"
        "PersistentShare.objects.create(target=Target.objects.get(), destination='elsewhere')"
    )
    with closing(sqlite3.connect(beta.site.database)) as db, db:
        db.execute("DROP INDEX tom_bridge_tom_targets_basetarget_simple")
        db.execute("DROP INDEX tom_bridge_reduceddatum_times")
    told = findings(ask, "warn")
    assert any("M 31 to elsewhere" in one for one in told)
    assert any("the index of names on tom_targets_basetarget is missing" in one for one in told)
    assert any("the index of times on tom_dataproducts_reduceddatum is missing" in one for one in told)
    assert beta.manage("migrate", "-v", "0").returncode == 0
    assert not any("index" in one for one in findings(ask, "warn"))


def test_a_target_without_photometry_of_a_removed_target_waits(alpha: Publishing, beta: ManagedTom, ask: Ask) -> None:
    alpha.publish(SUPERNOVA)
    assert beta.manage("bridgeconsume", "--until-end").returncode == 0
    beta.shell("from tom_targets.models import Target; Target.objects.all().delete()")
    alpha.publish(on_day(1), photometry(1, TargetReference(name="ZTF24xyz")))
    assert beta.manage("bridgeconsume", "--until-end").returncode == 0
    assert outcomes(ask) == ["applied", "parked", "parked"]


SHARE = """
from bridge.tomtoolkit.sharing import share
from tom_targets.models import Target
share(Target.objects.get(name=name), topic=topic)
"""


def shared(beta: ManagedTom, name: str, topic: str = TOPIC) -> None:
    """Share a target of that name from within Beta TOM."""
    beta.make_target(name)
    beta.shell(SHARE, name=name, topic=topic)


def subjects(alpha: Publishing) -> list[str]:
    """Return what each record on the topic is about, in order."""
    return [(record.header("ce_subject") or b"").decode() for record in everything(alpha.stream.url, TOPIC)]


def test_the_relay_publishes_what_was_shared(alpha: Publishing, beta: ManagedTom) -> None:
    beta.configure(publish=[{"topic": TOPIC}])
    shared(beta, "M 31")
    done = beta.manage("bridgerelay", "--until-end")
    assert done.returncode == 0, done.stderr
    assert subjects(alpha) == ["M 31"]


def metrics_of(running: Managing) -> list[str]:
    """Return what a daemon tells Prometheus, by lines."""
    (served,) = running.wait_for("metrics.served")
    with urllib.request.urlopen(f"http://{served['host']}:{served['port']}/metrics", timeout=10) as answer:
        return str(answer.read().decode()).splitlines()


def test_one_process_publishes_and_receives_and_ends_at_sigterm(
    alpha: Publishing, beta: ManagedTom, ask: Ask, tmp_path: Path
) -> None:
    beta.configure(publish=[{"topic": TOPIC}])
    with beta.managing("bridgerun", "--metrics-port", "0", log=tmp_path / "log") as running:
        alpha.publish(SUPERNOVA)
        wait_until(beta.targets, timeout_s=60, what="the target")
        shared(beta, "M 31")
        wait_until(lambda: subjects(alpha) == ["SN 2024abc", "M 31"], timeout_s=60, what="the share")
        told = metrics_of(running)
        assert f'tom_bridge_events_total{{kind="target",outcome="applied",topic="{TOPIC}"}} 1.0' in told
        assert any(line.startswith("tom_bridge_outbox_events ") for line in told)
        assert running.end() == 0
    assert beta.manage("bridgerun", "--until-end").returncode == 0
    assert outcomes(ask) == ["applied", "ignored"]


def test_the_relay_alone_tells_prometheus_what_waits(alpha: Publishing, beta: ManagedTom, tmp_path: Path) -> None:
    beta.configure(publish=[{"topic": "not.there"}])
    shared(beta, "M 31", "not.there")
    with beta.managing("bridgerelay", "--metrics-port", "0", log=tmp_path / "log") as running:
        wait_until(lambda: "tom_bridge_outbox_events 1.0" in metrics_of(running), what="the queued share")
        assert running.end() == 0


def test_a_tom_that_subscribes_to_nothing_only_publishes(alpha: Publishing, beta: ManagedTom) -> None:
    beta.configure(publish=[{"topic": TOPIC}], subscribe=None)
    shared(beta, "M 31")
    done = beta.manage("bridgerun", "--until-end")
    assert done.returncode == 0, done.stderr
    assert subjects(alpha) == ["M 31"]


def test_where_one_half_has_to_stop_both_do(alpha: Publishing, beta: ManagedTom) -> None:
    beta.configure(subscribe=[{"topic": "nowhere"}])
    done = beta.manage("bridgerun")
    assert done.returncode == 69
    assert "topic 'nowhere' does not exist" in done.stderr.splitlines()[-1]
    assert "relay.stopped" in done.stderr


def test_the_mail_is_sent_by_command_and_shown_by_a_dry_run(
    alpha: Publishing, beta: ManagedTom, tmp_path: Path
) -> None:
    assert "0 dead, 0 parked, 0 to come" in beta.manage("bridgemail", "--dry-run").stdout
    done = beta.manage("bridgemail")
    assert (done.returncode, "TOM_BRIDGE: mail: is missing" in done.stderr) == (2, True)
    beta.configure(mail={"to": ["admin@example.org"]})
    files = {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(tmp_path)}
    beta.set(**files)
    assert beta.manage("bridgemail").returncode == 0
    (mail,) = tmp_path.glob("*.log")
    assert "To: admin@example.org" in mail.read_text()
