"""What every test may use: our own pytest plugin, and pytest's for testing plugins."""

pytest_plugins = ["pytester"]
