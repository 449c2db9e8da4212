"""What a TOM may configure in its own code: hooks and data processors for the tests of the TOM in process."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

called: list[tuple[Any, ...]] = []
"""What the hooks were called with."""


def target_post_save(target: Any, created: bool) -> None:
    called.append((target.name, created))


def target_refused(target: Any, created: bool) -> None:
    raise ValueError(f"no {target.name} here")


def data_product_post_upload(product: Any) -> None:
    called.append((product.product_id, Path(product.data.path).name))


class Processor:
    """Makes two points of any file, from a survey of its own."""

    def process_data(self, product: Any) -> list[Any]:
        called.append(("processed", product.product_id))
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


class Killed(Processor):
    """Dies when it has made its points, before anybody could note them; the second time it lives."""

    def process_data(self, product: Any) -> list[Any]:
        from tom_dataproducts.models import PhotometryReducedDatum

        made = super().process_data(product)
        marker = Path(product.data.path).parents[4] / "killed"
        if not marker.exists():
            marker.touch()
            PhotometryReducedDatum.objects.create(
                target=product.target, data_product=product, bandpass="i", brightness=1.0, timestamp=made[0][0]
            )
            os.kill(os.getpid(), signal.SIGKILL)
        return made
