"""TOM Bridge: share once; every subscribed TOM has it, once, in full, and can ask for it again."""


def __getattr__(name: str) -> str:
    """Return ``__version__``, looked up when it is asked for: that takes longer than the rest of a command's start."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 (takes time to import)

    return version("tom-bridge")
