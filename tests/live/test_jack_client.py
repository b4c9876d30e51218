"""A client that nobody has closed, in a Python that ends while others come and go in JACK."""

import subprocess
import sys
import threading

import pytest

pytestmark = pytest.mark.jack

LEFT = """
from livecomposer.live.jack_client import open_client
client = open_client("left")
client.set_port_registration_callback(lambda *_: None, only_available=False)
client.activate()
client.itself = client  # so that it is not closed before all is taken down
"""


def test_its_server_goes_on_answering(own_server):
    import jack

    other = jack.Client("other", no_start_server=True, servername=own_server.name)
    ended = threading.Event()

    def come_and_go():
        number = 0
        while not ended.is_set():
            other.midi_outports.register(f"{number}").unregister()
            number += 1

    coming_and_going = threading.Thread(target=come_and_go, daemon=True)
    coming_and_going.start()
    try:
        for _ in range(5):
            command = [sys.executable, "-c", LEFT]
            subprocess.run(command, env=own_server.environment, timeout=20, check=True)
    finally:
        ended.set()
    coming_and_going.join(20)
    other.close()
    assert own_server.answers()
