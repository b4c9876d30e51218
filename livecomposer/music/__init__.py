"""The music itself: pure code, with no I/O, no threads, no clock, and no TensorFlow or rtmidi."""
