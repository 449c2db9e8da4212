"""What a TOM may configure in its own code: hooks and data processors for the tests of the TOM in process."""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def called() -> list[tuple[Any, ...]]:
    """Return what the hooks of this test's TOM were called with, in whichever process."""
    file = _file()
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def _note(*given: Any) -> None:
    with _file().open("a") as file:
        file.write(json.dumps(given) + "\n")


def _file() -> Path:
    from django.conf import settings

    return Path(settings.MEDIA_ROOT).parent / "called"


def target_post_save(target: Any, created: bool) -> None:
    _note(target.name, created)


def target_refused(target: Any, created: bool) -> None:
    raise ValueError(f"no {target.name} here")


def target_ends(target: Any, created: bool) -> None:
    """End the process, for a target named so."""
    match target.name:
        case "sys.exit":
            sys.exit(0)
        case "interrupt":
            raise KeyboardInterrupt
        case "cancel":
            raise asyncio.CancelledError
        case "delete":
            target.delete()
        case "delete otherwise":
            type(target).objects.filter(pk=target.pk).delete()


def data_product_post_upload(product: Any) -> None:
    _note(product.product_id, Path(product.data.path).name)


class Processor:
    """Makes two points of any file, from a survey of its own."""

    def process_data(self, product: Any) -> list[Any]:
        _note("processed", product.product_id)
        return [
            (datetime(2026, 1, day, tzinfo=UTC), {"brightness": 17.0 + day, "bandpass": "r"}, source)
            for day, source in ((1, "ATLAS"), (2, ""))
        ]

    def data_type_override(self) -> str:
        return "photometry"


class Raising(Processor):
    def process_data(self, product: Any) -> list[Any]:
        super().process_data(product)
        raise ValueError("no table in it")


class Choosy(Processor):
    """Says that the file is none that it reads, when it has made points already."""

    def process_data(self, product: Any) -> list[Any]:
        from tom_dataproducts.exceptions import InvalidFileFormatException
        from tom_dataproducts.models import PhotometryReducedDatum

        (first, *_), *_ = super().process_data(product)
        PhotometryReducedDatum.objects.create(
            target=product.target, data_product=product, bandpass="i", brightness=1.0, timestamp=first
        )
        raise InvalidFileFormatException("no column of ours")


class Killed(Processor):
    """Kills the bridge when it has made a point, before anybody could note it; the second time all live."""

    def process_data(self, product: Any) -> list[Any]:
        from tom_dataproducts.models import PhotometryReducedDatum

        made = super().process_data(product)
        marker = Path(product.data.path).parents[4] / "killed"
        if not marker.exists():
            marker.touch()
            PhotometryReducedDatum.objects.create(
                target=product.target, data_product=product, bandpass="i", brightness=1.0, timestamp=made[0][0]
            )
            nursery = Path(f"/proc/{os.getppid()}/stat").read_text()
            os.kill(int(nursery.rpartition(")")[2].split()[1]), signal.SIGKILL)
            time.sleep(600)
        return made


class Misbehaving(Processor):
    """Does what the file says."""

    def process_data(self, product: Any) -> list[Any]:
        made = super().process_data(product)
        match product.data.read().decode().split(",")[0]:
            case "exit":
                os._exit(0)
            case "sys.exit":
                sys.exit(0)
            case "interrupt":
                raise KeyboardInterrupt
            case "raise":
                raise ValueError("no table in it")
            case "hang":
                time.sleep(600)
            case "fill the memory":
                bytearray(1 << 30)
            case "leave a transaction":
                from django.db import transaction

                transaction.atomic().__enter__()
            case "leave the folder":
                os.chdir("/")
            case "close":
                from django.db import connection

                connection.close()
            case "delete itself":
                product.delete()
        return made
