"""The door to astropy, which is asked for only when a file is read."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from bridge.errors import ConfigurationError


@contextmanager
def astropy_at_hand() -> Iterator[None]:
    """Make sure that astropy is there, asks nothing of the network, and keeps its warnings to itself.

    What it warns of (a dubious year, a unit it doesn't know, a value out of range) is judged by the reader. Raises
    ConfigurationError, one line that says what to install.
    """
    if find_spec("astropy") is None:
        raise ConfigurationError("reading files needs astropy", mend="Run: pip install 'tom-bridge[files]'")
    from astropy.utils import iers

    with warnings.catch_warnings(), iers.conf.set_temp("auto_download", False):
        warnings.simplefilter("ignore")
        yield
