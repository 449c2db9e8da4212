"""What one process of a host does at a time, by a lock of the operating system, which goes with its holder."""

import fcntl
import os
import pwd
from contextlib import suppress
from pathlib import Path

from bridge.errors import AwayError, ConfigurationError


class FileLock:
    """A lock on a file of its own, which stays: removing it would let two hold the lock.

    ``where`` is the setting that names the place, ``away`` what is raised where the lock can't be asked for now.
    """

    def __init__(self, path: Path, *, where: str, away: type[AwayError] = AwayError) -> None:
        self.path = path
        self.holder = f"another process that has locked {path}"
        """Who has it where this one does not, for people."""
        self._where = where
        self._away = away
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether it is held here."""
        return self._file is not None

    def take(self) -> bool:
        """Return whether the lock is held, now or already. Raises ConfigurationError where it can't be opened."""
        if self._file is not None:
            return True
        try:
            # For reading: that is all that a lock needs, and a file that another user has made can be read as a rule.
            file = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise self._denied(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError as error:
            os.close(file)
            raise self._away(f"the lock can't be taken ({error.strerror})", where=str(self.path)) from error
        self._file = file
        return True

    def release(self) -> None:
        """Let another process have the lock."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _denied(self, error: OSError) -> ConfigurationError:
        there = self.path.exists()
        whose = f"; it belongs to the user {_user(self.path.stat().st_uid)}" if there else ""
        mend = f"Run: chown {_user(os.geteuid())} {self.path}" if there else f"Let it write to {self.path.parent}"
        return ConfigurationError(
            f"the user {_user(os.geteuid())} can't open {self.path} ({error.strerror}){whose}",
            where=self._where,
            mend=f"{mend}; and let one user run all that uses it",
        )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
