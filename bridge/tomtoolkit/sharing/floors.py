"""Up to which key of a model nothing new is to be expected: what makes the near look of self-sharing near."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget

from bridge.tomtoolkit.database import writing
from bridge.tomtoolkit.models import Progress
from bridge.tomtoolkit.rows.bodies import DATUMS

WINDOW = timedelta(hours=1)
"""How much later than it took its key a transaction may be committed and still be found by the next near look."""


class Floors:
    """The floor of each model; ``since`` is the like for changes of targets, which are found by time."""

    def __init__(self, using: str, now: datetime) -> None:
        self._using = using
        self.now = now
        self._newest = {
            model._meta.label_lower: model.objects.aggregate(newest=Max("pk"))["newest"] or 0
            for model in (*{datums.model for datums in DATUMS}, ProductModel, BaseTarget)
        }
        self._rows = {row.model: row for row in Progress.objects.filter(model__in=self._newest)}
        # Before the first look nobody knows which keys were taken and not committed: the floor is the ground.
        new = [
            Progress(model=label, floor=0, floor_at=now - WINDOW, newest=newest, newest_at=now)
            for label, newest in self._newest.items()
            if label not in self._rows
        ]
        if new:
            with writing(using):
                Progress.objects.bulk_create(new)
            self._rows |= {row.model: row for row in new}

    def of(self, model: Any) -> int:
        """Return the floor of ``model``."""
        return int(self._rows[model._meta.label_lower].floor)

    @property
    def since(self) -> datetime:
        """Return since when targets may have changed unseen."""
        found: datetime = self._rows[BaseTarget._meta.label_lower].floor_at
        return found

    def rise(self) -> None:
        """After a look that left nothing: what was the newest key long enough ago becomes the floor."""
        for label, row in self._rows.items():
            if self.now - row.newest_at >= WINDOW:
                row.floor, row.floor_at = row.newest, row.newest_at
                row.newest, row.newest_at = self._newest[label], self.now
                with writing(self._using):
                    row.save()
