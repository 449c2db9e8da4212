"""Which files of what shares itself its receivers will keep, but make no data of."""

from collections.abc import Collection
from typing import Any

from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS
from tom_dataproducts.models import DataProduct

from bridge.errors import InvalidEventError
from bridge.events import Kind
from bridge.publishing.unprocessed import PROCESSED, warning
from bridge.tomtoolkit.pages.starting import Subject
from bridge.tomtoolkit.permissions import targets, visible
from bridge.tomtoolkit.rows.bodies import KINDS, own, product_body, reference
from bridge.tomtoolkit.rows.targets import local_targets
from bridge.tomtoolkit.sharing.look import is_read_from

_LOOKED_AT = 50
"""The newest files of one subject: each is read once."""
_REMEMBERED_S = 7 * 24 * 3600.0


def warnings(user: Any, subject: Subject, kinds: Collection[str]) -> list[str]:
    """Return a line for each file that ``user`` may see and that goes by itself, with ``kinds`` (empty: all)."""
    chosen = frozenset(Kind(kind) for kind in kinds if kind in set(KINDS)) or frozenset(KINDS)
    if Kind.DATA_PRODUCT not in chosen:
        return []
    members = {"pk": subject["target_id"]} if "target_id" in subject else {"targetlist": subject["target_list_id"]}
    of_these = targets(user).filter(**members).values("pk")
    rows = DataProduct.objects.filter(data_product_type__in=PROCESSED, target__in=of_these)
    newest = visible(user, own(rows)).order_by("-pk")[:_LOOKED_AT]
    lines = [_warning(product) for product in newest if not is_read_from(product, chosen)]
    return [line for line in lines if line]


def _warning(product: Any) -> str:
    key = f"tom_bridge.unprocessed.{product.pk}.{product.modified.timestamp()}"
    line: str | None = cache.get(key)
    if line is None:
        try:
            (target,) = local_targets(DEFAULT_DB_ALIAS, [product.target_id]).values()
            line = warning(product_body(product, reference(target), process=True))
        except InvalidEventError:  # it does not go at all, which is told elsewhere
            line = ""
        cache.set(key, line, _REMEMBERED_S)
    return line
