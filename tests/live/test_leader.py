from livecomposer.live.leader import Leader


def until(leader, tick):
    return [(due, message.hex(" ")) for due, message in leader.until(tick)]


def test_it_starts_on_a_beat_and_sends_every_pulse_once():
    leader = Leader()
    assert until(leader, 24) == [(24, "fa"), (24, "f8")]
    assert leader.next_tick == 25
    assert until(leader, 24) == []
    assert until(leader, 27) == [(25, "f8"), (26, "f8"), (27, "f8")]


def test_start_comes_before_its_pulse_wherever_it_begins():
    leader = Leader()
    assert until(leader, 1000) == [(1008, "fa")]
    assert until(leader, 1009) == [(1008, "f8"), (1009, "f8")]


def test_after_a_stall_it_says_where_it_goes_on():
    leader = Leader()
    leader.until(24)
    assert until(leader, 24 + 24) == [(tick, "f8") for tick in range(25, 49)]
    relocated = [(1032, "fc"), (1032, "f2 28 01"), (1032, "fb")]  # 168 sixteenths after tick 24
    assert until(leader, 1030) == relocated
    assert until(leader, 1033) == [(1032, "f8"), (1033, "f8")]


def test_song_position_has_14_bits():
    leader = Leader()
    leader.until(0)
    wraps = 6 * 2**14
    assert (wraps + 12, "f2 02 00") in until(leader, wraps + 12)
