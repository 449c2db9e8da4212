"""Running and looking after the bridge of a TOM: its commands, daemon, doctor and mail."""
