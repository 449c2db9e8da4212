"""TOM Bridge: share once; every subscribed TOM has it, once, in full, and can ask for it again."""

from importlib.metadata import version

__version__ = version("tom-bridge")
