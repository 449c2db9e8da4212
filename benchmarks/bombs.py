"""What a stranger's records cost at most: seconds of CPU and memory, each in a process of its own.

Each record is about as large as a reader takes (1 MiB; 9 MiB as a data product), or light (64 KiB and less), and then
as many are read as make a MiB. Its schema is announced on the schema topic of an embedded stream, and it goes the way
of every record. The memory is the peak of the process (RSS) above
what it was with all imported and the record at hand.

    python -m benchmarks.bombs
"""

import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing

import structlog
from parts.bombs import BOMBS
from parts.events import record
from rich.console import Console
from rich.table import Table

from bridge.codec import SCHEMA_TOPIC, Decoder, Schemas
from bridge.errors import BridgeError
from bridge.stream import open_stream

_MIB = 1024 * 1024


def main() -> None:
    """Measure all, and print the table; with a name, measure that one here."""
    if len(sys.argv) > 1:
        sys.stdout.write("\t".join(_measured(sys.argv[1])))
        return
    table = Table("record", "MiB", "seconds", "memory, MB", "what it is")
    for name in BOMBS:
        command = [sys.executable, "-m", "benchmarks.bombs", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        told = done.stdout.split("\t") if not done.returncode else ["", "", "", f"ended with {done.returncode}"]
        table.add_row(name, *told)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _measured(name: str) -> tuple[str, ...]:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory() as folder, closing(open_stream(f"sqlite:///{folder}/stream.db")) as stream:
        stream.create_topic(SCHEMA_TOPIC, compacted=True)
        bomb = BOMBS[name]()
        if bomb.schema:
            text = bomb.schema.encode()
            stream.publish(SCHEMA_TOPIC, key=hashlib.sha256(text).hexdigest().encode(), value=text)
            stream.flush()
        decoder, given = Decoder(Schemas(stream)), record(bomb.value)
        times = max(1, round(_MIB / len(bomb.value))) if name.startswith("light") else 1
        before, started = _peak(), time.process_time()
        for _ in range(times):
            try:
                decoder.decode(given)
                became = "an event"
            except BridgeError as error:
                became = f"{type(error).__name__}: {error.what}"
        took = time.process_time() - started
        size = f"{len(bomb.value) / _MIB:.1f}" if times == 1 else f"{times} of {len(bomb.value) / 1024:.0f} KiB"
        return size, f"{took:.2f}", f"{_peak() - before:.0f}", became[:60]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
