"""Trains qstar's networks and exports them: `python -m qstar_training --help`."""
