"""The ledger in the TOM's own database, and the hook that tells what was applied."""
