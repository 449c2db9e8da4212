"""A publisher to be killed: publishes single points in small flushed groups and notes what ``flush`` returned for.

Arguments: the stream's address, the topic, the file for the notes (an event id a line), how many groups of how many.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from parts.bridges import Publishing
from parts.shares import NOON, photometry


def main() -> None:
    url, topic, notes, groups, each = sys.argv[1:]
    publishing = Publishing(url, topic=topic)
    with Path(notes).open("a") as file:
        for group in range(int(groups)):
            since = NOON + timedelta(days=group)
            bodies = [photometry(1, since=since + timedelta(hours=hour)) for hour in range(int(each))]
            for event in publishing.publish(*bodies):
                file.write(f"{event.id}\n")
            file.flush()
            os.fsync(file.fileno())
    publishing.close()
