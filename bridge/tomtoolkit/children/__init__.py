"""Code of the TOM (data processors, hooks), run in child processes: whatever it does ends no process of the bridge."""

from bridge.tomtoolkit.children.nursery import Answer, Nursery

__all__ = ["NURSERY", "Answer", "Nursery"]

NURSERY = Nursery()
"""The nursery of this process."""
