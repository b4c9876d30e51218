"""The monitor: a page that shows a jam while it is played, and works its controls.

`feed` and `messages` run in the daemon's process; the rest is a process of its own, which serves
the page on the loopback address and hands messages on.
"""
