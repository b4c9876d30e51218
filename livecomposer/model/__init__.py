"""The model: its network, its one file, and stepwise inference. It knows ids, not music."""
