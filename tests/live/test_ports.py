import sys

import pytest

from livecomposer.config_file import load_config
from livecomposer.live.patchbay import match_port
from livecomposer.live.ports import PortError, open_ports
from livecomposer.live.rtmidi_ports import list_ports

NAMES = ["Midi Through:Midi Through Port-0 14:0", "Keystation 49 20:0", "Keystation 20:1"]


@pytest.mark.parametrize(
    ("name", "index"),
    [("Keystation 20:1", 2), ("Keystation", 1), ("Keystation 49", 1), ("Midi Through", 0),
     ("keystation", None), ("Other", None)],
)  # fmt: skip
def test_names_match_whole_or_as_they_begin(name, index):
    assert match_port(name, NAMES) == index


def test_an_interface_of_another_system_is_refused():
    other = "winmm" if sys.platform != "win32" else "alsa"
    config = load_config(None, [f"ports.api={other}"])
    for ask in (lambda: open_ports(config.ports, config.clock), lambda: list_ports(other)):
        with pytest.raises(PortError, match=f"'{other}' is not on this system; there are "):
            ask()
