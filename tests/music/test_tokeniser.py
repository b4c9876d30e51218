import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.events import NoteOff, NoteOn, Sustain
from livecomposer.music.tempo import snap
from livecomposer.music.tokeniser import OnsetGroups, TokeniserSettings, decode, encode
from livecomposer.music.tokens import Chord, parse_token

GAPS = TokeniserSettings()
FIXED = TokeniserSettings("fixed")


def spelled(tokens):
    return " ".join(map(str, tokens))


def ons(*onsets):
    """Note-ons from (beat, pitch, ...)."""
    return [NoteOn(round(24 * beat), pitch) for beat, *pitches in onsets for pitch in pitches]


TABLE = [
    ("nothing", ons(), "", ""),
    ("a single note", ons((0, 60)), "C4", "C4"),
    ("the first onset has no gap", ons((7.25, 60)), "C4", "C4"),
    ("eighths", ons((0, 60), (0.5, 62), (1, 64)), "C4 D4 E4", "C4 D4 E4"),
    ("quarters", ons((0, 60), (1, 62), (2, 64)), "C4 +1 D4 +1 E4", "C4 D4 E4"),
    ("sixteenths", ons((0, 60), (0.25, 62)), "C4 +0.25 D4", "C4 D4"),
    ("repeated notes", ons((0, 60), (0.5, 60), (1, 60)), "C4 C4 C4", "C4 C4 C4"),
    ("a chord, lowest first", ons((0, 57, 60, 64)), "A3.C4.E4", "A3.C4.E4"),
    ("a chord that arrives from the top", ons((0, 64, 60, 57)), "A3.C4.E4", "A3.C4.E4"),
    ("the same pitch twice at once", ons((0, 60, 60)), "C4", "C4"),
    ("a chord that is a little spread", [NoteOn(0, 60), NoteOn(2, 64)], "C4.E4", "C4.E4"),
    ("a tie goes up", [NoteOn(0, 60), NoteOn(3, 64)], "C4 +0.25 E4", "C4 E4"),
    ("a rest of 4 beats", ons((0, 60), (4, 62)), "C4 +4 D4", "C4 D4"),
    ("a rest that is longer", ons((0, 60), (9, 62)), "C4 +4 D4", "C4 D4"),
    ("triplets snap to 0, 1/4, 3/4", ons((0, 60), (1 / 3, 62), (2 / 3, 64), (1, 65)),
     "C4 +0.25 D4 E4 +0.25 F4", "C4 D4 E4 F4"),
    ("the lowest and the highest", ons((0, 0), (0.5, 127)), "C-1 G9", "C-1 G9"),
    ("rounding doesn't add up", ons(*((0.33 * i, 60) for i in range(7))),
     "C4 +0.25 C4 C4 +0.25 C4 +0.25 C4 C4 +0.25 C4", "C4 C4 C4 C4 C4 C4 C4"),
    ("only onsets make tokens", [NoteOn(0, 60), NoteOff(10, 60), Sustain(11, True), NoteOn(12, 60)],
     "C4 C4", "C4 C4"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "gaps", "fixed"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_tables(events, gaps, fixed):
    assert spelled(encode(events, GAPS)) == gaps
    assert spelled(encode(events, FIXED)) == fixed


def test_triplets_at_a_finer_resolution():
    triplets = ons((0, 60), (1 / 3, 62), (2 / 3, 64), (1, 65))
    settings = TokeniserSettings(resolution=2)
    assert spelled(encode(triplets, settings)) == "C4 +1/3 D4 +1/3 E4 +1/3 F4"


def test_groups_come_as_soon_as_time_has_passed_them():
    gathering = OnsetGroups(GAPS)
    assert gathering.feed(NoteOn(0, 60)) == []
    assert gathering.advance(2) == []
    assert gathering.advance(3) == [(0, (60,))]
    assert gathering.feed(NoteOn(24, 64)) == []
    assert gathering.feed(NoteOn(25, 67)) == []
    assert gathering.feed(NoteOff(30, 64)) == [(24, (64, 67))]
    assert gathering.flush() == []


def test_an_event_that_comes_late_joins_the_open_group():
    gathering = OnsetGroups(GAPS)
    gathering.feed(NoteOn(24, 60))
    assert gathering.feed(NoteOn(1, 64)) == []
    assert gathering.flush() == [(24, (60, 64))]


EVENTS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 127), st.booleans()), max_size=40
).map(
    lambda rows: [
        (NoteOn if is_on else NoteOff)(sum(step for step, _, _ in rows[: i + 1]), pitch)
        for i, (_, pitch, is_on) in enumerate(rows)
    ]
)
SETTINGS = st.builds(
    lambda timing, resolution, steps: TokeniserSettings(timing, resolution, resolution * steps),
    st.sampled_from(["gaps", "fixed"]),
    st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]),
    st.integers(1, 16),
)


@given(EVENTS, SETTINGS, st.data())
def test_any_chunking_gives_the_groups_of_the_whole(events, settings, data):
    gathering, groups = OnsetGroups(settings), []
    for event in events:
        if data.draw(st.booleans()):
            groups += gathering.advance(data.draw(st.integers(event.tick - 5, event.tick)))
        groups += gathering.feed(event)
    groups += gathering.flush()
    tokens = encode(events, settings)
    assert [Chord(pitches) for _, pitches in groups] == [t for t in tokens if isinstance(t, Chord)]
    if settings.timing == "gaps":
        whole = decode(tokens, groups[0][0]) if groups else []
        most = max((b[0] - a[0] for a, b in itertools.pairwise(groups)), default=0)
        assert groups == whole or most > settings.max_gap


@given(EVENTS, st.sampled_from([1, 2, 3, 4, 6, 12, 24]))
def test_decoding_gives_the_music_snapped_to_the_resolution(events, resolution):
    # Steps between events are 60 ticks at most: with note-offs left out of the longest possible
    # silence, no gap is clamped only if the longest fits.
    settings = TokeniserSettings("gaps", resolution, 24 * 16)
    snapped: dict[int, set[int]] = {}
    for event in events:
        if isinstance(event, NoteOn):
            snapped.setdefault(snap(event.tick, resolution), set()).add(event.pitch)
    music = [(tick, tuple(sorted(pitches))) for tick, pitches in snapped.items()]
    longest = max((b[0] - a[0] for a, b in itertools.pairwise(music)), default=0)
    if longest > settings.max_gap:
        return
    first = music[0][0] if music else 0
    assert decode(encode(events, settings), first) == music


@given(st.lists(st.sets(st.integers(0, 127), min_size=1, max_size=6), max_size=20))
def test_a_piece_of_eighths_is_the_same_under_both_timings(chords):
    events = [NoteOn(12 * i, pitch) for i, chord in enumerate(chords) for pitch in chord]
    assert encode(events, GAPS) == encode(events, FIXED)
    assert [pitches for _, pitches in decode(encode(events, GAPS))] == [
        tuple(sorted(chord)) for chord in chords
    ]


def test_a_plain_stream_decodes_to_steps_of_half_a_beat():
    tokens = [parse_token(text) for text in "C4 E4.G4 +1 C5 C5".split()]
    assert decode(tokens, 6) == [(6, (60,)), (18, (64, 67)), (42, (72,)), (54, (72,))]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timing": "loose"}, "timing = 'loose'"),
        ({"resolution": 0}, "resolution = 0,"),
        ({"resolution": 25}, "resolution = "),
        ({"max_gap": 0}, "max_gap = 0,"),
        ({"max_gap": 20}, "multiple of the resolution"),
        ({"max_gap": 24 * 17}, "up to 16"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TokeniserSettings(**settings)
