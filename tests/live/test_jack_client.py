"""Clients that end, in a process of their own, while others come and go."""

import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial

import pytest

pytestmark = pytest.mark.jack

CLOSED_WHILE_IT_HEARS = """
import threading, time
from livecomposer.live.jack_client import close_client, open_client

def be_busy(*_):
    until = time.monotonic() + 0.01
    while time.monotonic() < until:
        pass

client = open_client("busy")
client.set_port_registration_callback(be_busy, only_available=False)
client.activate()
threading.Thread(target=lambda: [be_busy() for _ in range(20)], daemon=True).start()
time.sleep(0.1)
close_client(client)
"""
LEFT_OPEN = """
import atexit, jack

def look():
    with jack.Client("last", no_start_server=True) as last:
        print(last.get_ports("left:"))

atexit.register(look)  # before the other: called after it
from livecomposer.live.jack_client import open_client
client = open_client("left")
client.midi_outports.register("port")
"""


def run(script, server):
    return subprocess.run(
        [sys.executable, "-c", script],
        env=server.environment,
        timeout=20,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def test_neither_it_nor_its_server_hangs(own_server):
    import jack  # it needs libjack

    ended = threading.Event()
    client = partial(jack.Client, "other", no_start_server=True, servername=own_server.name)

    def come_and_go():
        while not ended.is_set():
            with suppress(jack.JackError), client() as other:
                port = other.midi_outports.register("port")
                while not ended.wait(0.005) and other.owns(port):  # it is not, if it is thrown out
                    port.unregister()
                    port = other.midi_outports.register("port")

    coming_and_going = threading.Thread(target=come_and_go, daemon=True)
    coming_and_going.start()
    try:
        for _ in range(5):
            run(CLOSED_WHILE_IT_HEARS, own_server)
    finally:
        ended.set()
    coming_and_going.join(20)
    assert own_server.answers()


def test_it_is_closed_before_python_ends(own_server):
    assert run(LEFT_OPEN, own_server) == "[]\n"
