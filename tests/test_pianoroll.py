from livecomposer.midi.files import TimedNote
from livecomposer.pianoroll import draw


def test_a_drawing():
    player = [TimedNote(0, 480, 60, 80), TimedNote(480, 720, 58, 80)]
    machine = [TimedNote(1920, 2400, 62, 80), TimedNote(240, 480, 60, 80)]
    assert draw([player, machine], "#o").splitlines() == [
        "  D4 |       oo",
        "  C4 ##      | ",
        " A#3 | #     | ",
        "beat 0       4       ",
    ]


def test_nothing_to_draw():
    assert draw([[], []]) == ""


def test_it_begins_with_the_first_note():
    assert draw([[TimedNote(4800, 5040, 127, 80)]]).splitlines() == ["  G9 █", "beat 0       "]
