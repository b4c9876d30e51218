"""Clients that look, and that end, while others come and go."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from livecomposer.live.player import Player
from tests.live.test_jack_ports import open_both

pytestmark = pytest.mark.jack

PORTS_THAT_COME_AND_GO = """
import sys, time, jack
from contextlib import suppress

count, pause_s = int(sys.argv[1]), float(sys.argv[2])
while True:
    with suppress(jack.JackError), jack.Client("other", no_start_server=True) as other:
        while True:
            ports = [other.midi_outports.register(f"{i}") for i in range(count)]
            time.sleep(pause_s)
            if not all(map(other.owns, ports)):
                break  # it was thrown out
            for port in ports:
                port.unregister()
            print(flush=True)
"""
CLIENTS_THAT_COME_AND_GO = """
import jack, time
from contextlib import suppress

while True:
    with suppress(jack.JackError):
        jack.Client("other", no_start_server=True).close()
    print(flush=True)
    time.sleep(0.005)
"""
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


@contextmanager
def beside(server, script, *arguments):
    """A process; what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.stdout
    finally:
        process.kill()
        process.wait()


def test_neither_it_nor_its_server_hangs(own_server):
    with beside(own_server, PORTS_THAT_COME_AND_GO, "1", "0.005"):
        for _ in range(5):
            run(CLOSED_WHILE_IT_HEARS, own_server)
    assert own_server.answers()


def test_it_is_closed_before_python_ends(own_server):
    assert run(LEFT_OPEN, own_server) == "[]\n"


@pytest.mark.parametrize("backend", ["jack", "rtmidi"])
def test_others_that_go_while_they_are_looked_at_are_no_loss(own_server, monkeypatch, backend):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", own_server.name)
    ports = open_both(backend, "in", "out")
    lost, looks = [], []
    ports.watch.start(looks.append, lost.append)
    with beside(own_server, PORTS_THAT_COME_AND_GO, "64", "0.02") as rounds:
        for _ in range(50):
            rounds.readline()
            ports.watch.wake()
    for close in ports.closing:
        close()
    assert not lost
    assert looks


def test_ports_that_are_opened_while_others_go_are_run(own_server, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", own_server.name)
    with beside(own_server, CLIENTS_THAT_COME_AND_GO) as rounds:
        for _ in range(10):
            rounds.readline()
            ports = open_both("jack", "in", "out")
            ports.output.start(Player(0), lambda _: None)
            assert ports.output.stop()
            for close in ports.closing:
                close()
