"""livecomposer: a live MIDI partner that listens, and answers on the beat."""
