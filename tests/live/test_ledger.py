from livecomposer.live.ledger import MACHINE, PLAYER, SIZE, Ledger


def silence(ledger):
    return [message.hex(" ") for message in ledger.silence()]


def test_a_note_is_kept_until_both_have_ended_it():
    ledger = Ledger()
    ledger.begin(2, 60, MACHINE)
    ledger.begin(2, 60, PLAYER)
    assert (ledger.sounds(2, 60, MACHINE), ledger.sounds(2, 61, MACHINE)) == (True, False)
    ledger.end(2, 60, MACHINE)
    assert silence(ledger) == ["82 3c 00", "b2 40 00", "b2 7b 00"]
    ledger.end(2, 60, PLAYER)
    assert silence(ledger) == ["b2 40 00", "b2 7b 00"]


def test_what_has_ever_sounded_is_known():
    ledger = Ledger()
    ledger.begin(0, 60, MACHINE)
    ledger.end(0, 60, MACHINE)
    assert silence(ledger) == ["b0 40 00", "b0 7b 00"]
    assert ledger.silence(ever=True)[0].hex() == "803c00"


def test_another_that_has_the_cells_knows_the_same():
    cells = bytearray(SIZE)
    ledger = Ledger(cells)
    ledger.use(0)
    for channel, pitch in ((15, 127), (0, 0)):
        ledger.begin(channel, pitch, MACHINE)
    heirs = silence(Ledger(cells))
    assert heirs == ["80 00 00", "8f 7f 00", "b0 40 00", "b0 7b 00", "bf 40 00", "bf 7b 00"]
