"""Playing: a pure core that is stepped with a given time, and the thin shell around it."""
