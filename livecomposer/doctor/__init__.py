"""What this machine has and lacks for playing: one finding after the other, and what to do."""
