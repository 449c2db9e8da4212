"""Whether there is room where this bridge keeps things: without it ledger, outbox and gateway take nothing."""

import shutil
from pathlib import Path

from bridge.settings import Settings

_LEAST_BYTES = 64 * 1024 * 1024
"""What one unit of work may want at once, with the write-ahead log: a few files of 8 MiB."""


def lack_of_room(settings: Settings) -> list[str]:
    """Return for each folder of the state whose disk is as good as full what is lacking, for people."""
    told = []
    for folder in dict.fromkeys([settings.ledger.parent, settings.state]):
        free = shutil.disk_usage(_existing(folder)).free
        if free < _LEAST_BYTES:
            told.append(f"{folder}: its disk has {free // 1024} KiB left, and nothing is kept without room: make some")
    return told


def _existing(folder: Path) -> Path:
    """Return the folder, or where it would be made."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())
