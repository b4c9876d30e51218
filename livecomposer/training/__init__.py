"""Learning offline: from files to weights. Heavy libraries are imported where they are used."""
