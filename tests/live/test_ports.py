import sys

import pytest

from livecomposer.config_file import load_config
from livecomposer.live.ports import PortError, open_ports
from livecomposer.live.rtmidi_ports import list_ports


def test_an_interface_of_another_system_is_refused():
    other = "winmm" if sys.platform != "win32" else "alsa"
    config = load_config(None, [f"ports.api={other}"])
    for ask in (lambda: open_ports(config.ports, config.clock), lambda: list_ports(other)):
        with pytest.raises(PortError, match=f"'{other}' is not on this system; there are "):
            ask()
