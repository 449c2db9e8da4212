"""A daemon in whose TOM a data processor hangs or ends the process: it goes on, and it ends when it is told to."""

import os
import signal
from pathlib import Path

import pytest
from parts.bridges import TOPIC, Publishing
from parts.django_tom import InProcess
from parts.managed_tom import ManagedTom, Managing
from parts.shares import photometry, product
from parts.wait import wait_until

_PROCESSOR = """
import os, sys, time
from pathlib import Path
from django.conf import settings
from tom_dataproducts.data_processor import DataProcessor

class Processor(DataProcessor):
    def process_data(self, product):
        how = product.data.read().decode()
        with open(Path(settings.BASE_DIR) / 'processed', 'a') as file:
            file.write(f'{how} {os.getpid()}\\n')
        if how == 'exit':
            os._exit(0)
        if how == 'sys.exit':
            sys.exit(0)
        if how == 'hang':
            time.sleep(600)
        return []
"""


@pytest.fixture
def gamma(in_process: InProcess, url: str, tmp_path: Path) -> ManagedTom:
    bridge = {"ORIGIN": "gamma", "STREAM": {"URL": url}, "SUBSCRIBE": [{"TOPIC": TOPIC}], "PUBLISH": [{"TOPIC": TOPIC}]}
    processors = "DATA_PROCESSORS = {'photometry': 'custom_code.processors.Processor'}"
    tom = ManagedTom(in_process.pristine, tmp_path / "gamma", bridge, processors)
    (tom.site.folder / "custom_code/processors.py").write_text(_PROCESSOR)
    tom.make_target("SN 2024abc")
    return tom


def outcomes(tom: ManagedTom) -> list[str]:
    of_outcome = "tom_bridge_event JOIN tom_bridge_text ON tom_bridge_text.id = tom_bridge_event.outcome"
    return [row["text"] for row in tom.query(f"SELECT text FROM {of_outcome} ORDER BY record_offset")]


def processed(tom: ManagedTom) -> list[str]:
    file = tom.site.folder / "processed"
    return file.read_text().splitlines() if file.exists() else []


def begun(running: Managing, tom: ManagedTom) -> list[str]:
    assert running.process.poll() is None, running.said()[-3000:]
    return processed(tom)


def test_a_daemon_goes_on_whatever_a_processor_does(alpha: Publishing, gamma: ManagedTom, tmp_path: Path) -> None:
    gamma.configure(LIMITS={"PROCESSOR_S": 2})
    alpha.publish(*(product(how.encode(), product_id=how) for how in ("exit", "sys.exit", "hang")), photometry(1))
    with gamma.managing("bridgerun", log=tmp_path / "log") as running:
        wait_until(lambda: running.process.poll() is not None or len(outcomes(gamma)) == 4, timeout_s=120.0)
        assert outcomes(gamma) == ["dead", "dead", "dead", "applied"], running.said()[-3000:]
        assert running.end() == 0
    assert [line.split()[0] for line in processed(gamma)] == ["exit"] * 3 + ["sys.exit"] * 3 + ["hang"] * 3


def test_a_terminating_signal_is_obeyed_while_a_processor_hangs(
    alpha: Publishing, gamma: ManagedTom, tmp_path: Path
) -> None:
    alpha.publish(product(b"hang"), photometry(1))
    with gamma.managing("bridgerun", log=tmp_path / "log") as running:
        (line,) = wait_until(lambda: begun(running, gamma), timeout_s=120.0, what="the processor")
        assert running.end() == 0
    child = int(line.split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert outcomes(gamma) == []
    (gamma.site.folder / "custom_code/processors.py").write_text(_PROCESSOR.replace("600", "0"))
    with gamma.managing("bridgerun", log=tmp_path / "log") as running:
        wait_until(lambda: running.process.poll() is not None or len(outcomes(gamma)) == 2, timeout_s=120.0)
        assert running.end(signal.SIGTERM) == 0
    assert outcomes(gamma) == ["applied", "applied"]
    assert len(gamma.products()) == 1
    assert len([path for path in gamma.site.media.rglob("*") if path.is_file()]) == 1
