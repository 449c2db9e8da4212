"""Python processes that start warm: forked from one that has imported the libraries already, for the tests' many.

Each is a real process with a command line, environment, folder, standard streams and exit code of its own, as
``subprocess`` starts one; only the second or two in which a fresh Python imports Django, astropy and the like is spent
once a session, by the fork server of the standard library. What depends on settings (TOM Toolkit, the app) is imported
by each process for itself. Free of pytest.
"""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import IO, Any

NOTHING = Path(os.devnull)
_TESTS = str(Path(__file__).parent.parent)
_AHEAD = [
    "astropy.coordinates", "astropy.io.fits", "astropy.table", "astropy.time", "bridge.cli.main", "bridge.cli.publish",
    "bridge.gateway", "bridge.operations.assemble", "bridge.operations.doctor", "bridge.operations.formats",
    "crispy_forms.helper", "django.contrib.admin.options", "django.contrib.postgres.fields", "django.core.management",
    "django.db.backends.sqlite3.base", "django.db.migrations.executor", "django.views.generic", "django_filters",
    "fits2image.conversions", "markdown", "parts.warm", "plotly.graph_objs", "plotly.offline", "psycopg",
    "rest_framework.serializers", "specutils",
]  # fmt: skip
"""What takes time to import and asks for no settings; what is not installed is passed over."""
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(_AHEAD)


class Python:
    """A process of this Python that runs ``arguments``: a script, ``-c code`` or ``-m module``, and what follows.

    ``streams`` are its standard input, output and error. Waiting, signals and ``returncode`` are as with ``Popen``.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        streams: "Streams",
        new_session: bool = False,
    ) -> None:
        descriptors = [_Descriptor(one if isinstance(one, int) else one.fileno()) for one in streams]
        wanted = dict(os.environ if environment is None else environment)
        self._process = _SERVER.Process(
            target=_be, args=(list(arguments), wanted, str(folder or Path.cwd()), descriptors, new_session), daemon=True
        )
        self._process.start()
        self.args = list(arguments)
        self.pid: int = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Its exit code as far as it is known to have ended: negative where a signal ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._process.exitcode

    @property
    def stopped(self) -> bool:
        """Whether a signal has stopped it, as SIGSTOP does."""
        with contextlib.suppress(FileNotFoundError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended; raise TimeoutExpired where it hasn't within ``timeout`` seconds."""
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, which: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, which)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


Process = Python | subprocess.Popen[bytes]
Streams = tuple[IO[Any] | int, IO[Any] | int, IO[Any] | int]
"""Standard input, output and error: open files or their descriptors."""


def cold(
    python: Path,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    streams: Streams,
    new_session: bool,
) -> Process:
    """Start a process of another Python, of which none is warm."""
    stdin, stdout, stderr = streams
    return subprocess.Popen(
        [python, *arguments],
        env=dict(environment),
        cwd=folder,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=new_session,
    )


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_s: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end, as ``subprocess.run(..., capture_output=True, text=True)`` does."""
    with NOTHING.open() as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Python(arguments, environment=environment, folder=folder, streams=(nothing, out, err))
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read().decode(), err.read().decode())


def logged(
    arguments: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Python:
    """Start a process with all that it prints at the end of ``log``, and nothing to read."""
    with NOTHING.open() as nothing, log.open("ab") as output:
        return Python(arguments, environment=environment, folder=folder, streams=(nothing, output, output))


class _Descriptor:
    """A file descriptor that goes along to the process."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> Any:
        return _received, (reduction.DupFd(self._number),)


def _received(handed_over: Any) -> int:
    number: int = handed_over.detach()
    return number


# -- in the process ---------------------------------------------------------------------------------------------------


def _be(arguments: list[str], environment: dict[str, str], folder: str, streams: list[int], new_session: bool) -> None:
    """Become the process that ``python arguments...`` would be, up to its end."""
    if new_session:
        os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    arguments = list(arguments)
    while arguments[0] == "-W":
        warnings.simplefilter(arguments[1])
        del arguments[:2]
    installed = [one for one in sys.path if one not in {"", _TESTS}]
    sys.path[:] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *installed]
    code = 1
    try:
        code = _ended(arguments)
    finally:
        with contextlib.suppress(Exception):
            threading._shutdown()
            atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _ended(arguments: list[str]) -> int:
    """Run what the arguments name, and return the exit code that Python would end with."""
    try:
        match arguments:
            case ["-c", code, *rest]:
                sys.argv = ["-c", *rest]
                exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
            case ["-m", module, *rest]:
                sys.argv = [module, *rest]
                sys.path[0] = str(Path.cwd())
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            case [script, *rest]:
                sys.argv = [script, *rest]
                sys.path[0] = str(Path(script).resolve().parent)
                runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, int) or end.code is None:
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
