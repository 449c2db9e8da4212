"""What tests of the pages have in common."""

from collections.abc import Iterator

import pytest
from parts.bridges_in_process import SubscribedInProcess


@pytest.fixture
def settings(beta: SubscribedInProcess) -> Iterator[None]:
    """The TOM's settings name the bridge as ``beta`` has it; to be asked for by ``usefixtures``."""
    from django.test.utils import override_settings

    with override_settings(TOM_BRIDGE=beta.mapping, TOM_NAME="Beta TOM"):
        yield
