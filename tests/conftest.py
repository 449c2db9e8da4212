"""What every test may use."""

pytest_plugins = ["parts.tom_fixtures"]
