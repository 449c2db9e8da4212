"""Filters of the bridge's templates."""
