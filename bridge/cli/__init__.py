"""The command ``tom-bridge``: a file a command group, which reads arguments and renders answers.

Exit codes, for scripts and for systemd's ``RestartPreventExitStatus=2 69``:

* 0: done
* 1: a check failed, or what was asked for was not done (bad input, say)
* 2: the configuration or the command line is wrong
* 69: a person has to act (a topic is missing, history has gone, a quota is full); starting again doesn't help
* 70: an error in TOM Bridge itself
* 75: the stream or the TOM can't be reached now; starting again later may help
* 130: interrupted
"""

import sys
from collections.abc import Sequence

from bridge.cli.main import app, run

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with one of the exit codes above."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
