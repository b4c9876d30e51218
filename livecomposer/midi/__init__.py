"""MIDI's own formats: bytes on the wire and files on disk."""
