"""What the bridge adds to a target of ours that shares itself is not sent back as a change of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from tom_targets.base_models import BaseTarget

from bridge.errors import InvalidEventError
from bridge.events import Target
from bridge.tomtoolkit.models import SelfShareTarget
from bridge.tomtoolkit.rows.bodies import target_body
from bridge.tomtoolkit.rows.targets import local_targets


@contextmanager
def following(using: str, target_pk: int) -> Iterator[None]:
    """Take what the bridge adds to a target in this block as shared, so that no echo of it goes out.

    To be opened within the transaction. What a person had changed and nobody has shared yet is shared all the same.
    """
    states = SelfShareTarget.objects.using(using).filter(target_id=target_pk).exclude(content="")
    if not states.exists():
        yield
        return
    # Nobody gives it a name, or changes it, between the two readings.
    list(BaseTarget.objects.using(using).select_for_update().filter(pk=target_pk).values_list("pk"))
    before = _content(using, target_pk)
    yield
    states.filter(content=before).update(content=_content(using, target_pk))


def _content(using: str, target_pk: int) -> str:
    try:
        return digest(target_body(local_targets(using, [target_pk])[target_pk]))
    except (KeyError, InvalidEventError):
        return ""


def digest(body: Target) -> str:
    """Return a hash of a target's content."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()
