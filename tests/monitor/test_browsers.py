"""Browsers: what each is shown, what it may ask, and what becomes of one that doesn't behave."""

import time
from contextlib import ExitStack
from itertools import repeat

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from livecomposer.monitor.browsers import (
    ALL_WISHES_A_SECOND,
    ENTER_S,
    MOST_BROWSERS,
    MOST_MALFORMED,
    WATCH_ONLY,
    WISHES_A_SECOND,
)
from livecomposer.monitor.connections import MOST
from livecomposer.monitor.messages import (
    Key,
    Keys,
    Left,
    Mute,
    Opening,
    Play,
    Press,
    Record,
    Refusal,
    Set,
    State,
    Watched,
    Wished,
)
from livecomposer.monitor.server import MAX_MESSAGE
from tests.monitor.process import PATIENCE_S, TOKEN, Monitor, Silent, receive, rest

OPENING = Opening("1", ["in", "out"], ["default"], "internal")
STATE = State(
    1.0, 0.5, 120.0, True, "player", "C major", ["C4"], (1, 100), [("E4", 0.5)], [], (0.1, 0.2), 0,
    0.02, {"jam.mode": "solo", "sampling.temperature": 1.0}, False, False, None,
)  # fmt: skip


@pytest.fixture
def monitor(tmp_path):
    """One that nobody has looked at yet."""
    started = Monitor(tmp_path)
    yield started
    assert started.end() == (0, "")


def played(at_ms, pitch=60):
    return Keys([Key(1, at_ms, at_ms / 500, 0, pitch, 64)])


def closing(browser):
    """How a connection is closed."""
    try:
        while True:
            browser.recv(PATIENCE_S)
    except ConnectionClosed as closed:
        return closed.rcvd and (closed.rcvd.code, closed.rcvd.reason)


def send_without_end(send, what, after=lambda: None):
    while True:
        send(what)
        after()


def test_a_browser_that_comes_later_is_shown_how_it_stands(monitor):
    with monitor.watch() as first:
        told = [OPENING, STATE, played(1000.0), played(8000.0), played(12000.0)]
        for each in told:
            monitor.say(each)
            assert receive(first, type(each)) == each
        with monitor.watch("no") as second:
            assert receive(second, Opening) == OPENING
            assert receive(second, State) == STATE
            assert receive(second, Keys).keys == [*told[3].keys, *told[4].keys]
            for each in (played(12001.0, 61), STATE):
                monitor.say(each)
                assert receive(first, type(each)) == receive(second, type(each)) == each
    heard = monitor.hear_until(Watched(0))
    assert heard == [Watched(1), Watched(2), Watched(1), Left(1), Watched(0)]


WISHES = {
    b'{"type":"set","setting":"jam.mode","value":"solo"}': Set("jam.mode", "solo"),
    b'{"type":"set","setting":"sampling.top_p","value":0.5}': Set("sampling.top_p", 0.5),
    b'{"type":"set","setting":"clock.tempo_bpm","value":100}': Set("clock.tempo_bpm", 100.0),
    b'{"type":"set","setting":"listen.thru","value":true}': Set("listen.thru", True),
    b'{"type":"mute","on":true}': Mute(True),
    b'{"on":false,"type":"record"}': Record(False),
    b'{"type":"press","button":"panic"}': Press("panic"),
    b' {"type": "play", "pitch": 60, "velocity": 0} ': Play(60, 0),
}

MALFORMED = {
    b"": "Input data was truncated",
    b"yes": "JSON is malformed: invalid character (byte 0)",
    b"{}": "Object missing required field `type`",
    b"[]": "Expected `object`, got `array`",
    b'{"type":"quit"}': "Invalid value 'quit' - at `$.type`",
    b'{"type":"enter","token":"x"}': "Invalid value 'enter' - at `$.type`",
    b'{"type":"play","pitch":128,"velocity":1}': "Expected `int` <= 127 - at `$.pitch`",
    b'{"type":"play","pitch":1,"velocity":-1}': "Expected `int` >= 0 - at `$.velocity`",
    b'{"type":"play","pitch":1.5,"velocity":1}': "Expected `int`, got `float` - at `$.pitch`",
    b'{"type":"play","pitch":1}': "Object missing required field `velocity`",
    b'{"type":"play","pitch":1,"velocity":1,"x":1}': "Object contains unknown field `x`",
    b'{"type":"mute","on":1}': "Expected `bool`, got `int` - at `$.on`",
    b'{"type":"press","button":"quit"}': "Invalid enum value 'quit' - at `$.button`",
    b'{"type":"set","setting":"%b","value":1}' % (b"a" * 41):
        "Expected `str` of length <= 40 - at `$.setting`",
    b'{"type":"play","pitch":1,"velocity":1}{}': "JSON is malformed: trailing characters (byte 39)",
    b"[" * 3000: "Expected `object`, got `array`",
}  # fmt: skip


def test_wishes_are_handed_on_and_refusals_come_back(monitor):
    with monitor.watch() as first, monitor.watch() as second:
        monitor.hear_until(Watched(2))
        for text, wish in WISHES.items():
            second.send(text.decode())
            assert monitor.hear() == Wished(2, wish)
        monitor.say(Refusal(7, "for nobody"))
        monitor.say(Refusal(2, "not now"))
        assert receive(second, Refusal) == Refusal(2, "not now")
        monitor.say(STATE)
        assert receive(first, State) == receive(second, State) == STATE


def test_a_malformed_message_is_refused_in_a_line(monitor):
    for number, (text, reason) in enumerate(MALFORMED.items(), 1):
        with monitor.watch() as browser:
            browser.send(text.decode())
            assert receive(browser, Refusal) == Refusal(number, reason)
            browser.send('{"type":"press","button":"tap"}')
            tapped = Wished(number, Press("tap"))
            assert monitor.hear_until(tapped) == [Watched(1), tapped]
        monitor.hear_until(Left(number))


def test_too_many_malformed_messages_end_it(monitor):
    with monitor.watch() as browser:
        for _ in range(MOST_MALFORMED):
            browser.send("no")
        assert closing(browser) == (1008, "10 messages were malformed")
    assert monitor.hear_until(Watched(0)) == [Watched(1), Left(1), Watched(0)]


def test_who_has_no_token_may_only_watch(monitor):
    with monitor.watch("") as browser:
        for text in WISHES:
            browser.send(text.decode())
            assert receive(browser, Refusal) == Refusal(1, WATCH_ONLY)
        monitor.say(STATE)
        assert receive(browser, State) == STATE
    assert monitor.hear_until(Watched(0)) == [Watched(1), Watched(0)]


NO_ENTRANCE = [
    "", "no", "{}", '{"type":"enter"}', '{"type":"enter","token":1}',
    '{"type":"enter","token":"x","x":1}', '{"type":"mute","on":true}',
    '{"type":"enter","token":"%s"}' % ("x" * 201),
]  # fmt: skip


def test_the_first_message_says_who_it_is(monitor):
    for text in NO_ENTRANCE:
        with monitor.browse() as browser:
            browser.send(text)
            assert closing(browser) == (
                1008, 'the first message is malformed, expected {"type": "enter", "token": "..."}'
            )  # fmt: skip
    with monitor.watch():  # of the others, the daemon was told nothing
        assert monitor.hear() == Watched(1)


def test_bytes_and_what_is_too_large(monitor):
    sent = {
        b"x": (1003, "expected text, not bytes"),
        "x" * (MAX_MESSAGE + 1): (1009, ""),
    }
    for message, (code, reason) in sent.items():
        for enter in (False, True):
            with monitor.watch() if enter else monitor.browse() as browser:
                browser.send(message)
                found, why = closing(browser)
                assert (found, why if code == 1003 else "") == (code, reason)
    with monitor.watch() as browser:
        browser.send(["x" * 1000] * 5)  # in pieces
        assert closing(browser)[0] == 1009
    with monitor.watch() as browser, pytest.raises(ConnectionClosed):
        browser.send(repeat("", 20_000))


def test_no_more_than_so_many_may_look_on(monitor):
    with ExitStack() as stack:
        stranger = stack.enter_context(monitor.watch("no token"))
        for _ in range(MOST_BROWSERS - 1):
            stack.enter_context(monitor.watch())
        monitor.hear_until(Watched(MOST_BROWSERS))
        full = (1013, f"{MOST_BROWSERS} browsers look on already")
        with monitor.browse() as one_more:
            one_more.send('{"type":"enter","token":"no token"}')
            assert closing(one_more) == full
        owner = stack.enter_context(monitor.watch())  # in the place of the stranger
        assert closing(stranger) == (1013, "who has the token needs the place")
        monitor.hear_until(Watched(MOST_BROWSERS))
        with monitor.browse() as one_more:
            one_more.send(f'{{"type":"enter","token":"{TOKEN}"}}')
            assert closing(one_more) == full
        owner.close()
        monitor.hear_until(Left(MOST_BROWSERS + 1))
        stack.enter_context(monitor.watch())
        monitor.hear_until(Watched(MOST_BROWSERS))


def test_a_flood_of_wishes_ends_it(monitor):
    with monitor.watch() as quiet, monitor.watch() as browser:
        monitor.hear_until(Watched(2))
        with pytest.raises(ConnectionClosed):
            send_without_end(browser.send, '{"type":"play","pitch":60,"velocity":1}')
        assert closing(browser) == (1008, f"more than {WISHES_A_SECOND} messages came in a second")
        heard = monitor.hear_until(Left(2))
        assert len(heard) - 1 >= WISHES_A_SECOND
        assert set(heard[:-1]) == {Wished(2, Play(60, 1))}
        quiet.send('{"type":"mute","on":true}')
        monitor.hear_until(Wished(1, Mute(True)))


def test_all_together_make_no_more_wishes_than_the_daemon_can_bear(monitor):
    """None is lost: what is beyond the bound comes later."""
    count = 190
    with ExitStack() as stack:
        browsers = [stack.enter_context(monitor.watch()) for _ in range(4)]
        begin = time.monotonic()
        for browser in browsers:
            for _ in range(count):
                browser.send('{"type":"play","pitch":60,"velocity":0}')
        wishes = 0
        while wishes < 4 * count:
            wishes += isinstance(monitor.hear(), Wished)
        seconds = time.monotonic() - begin
    assert wishes <= ALL_WISHES_A_SECOND * (1 + seconds) + len(browsers)


def test_who_never_reads_holds_nobody_up(monitor):
    """Each line goes out when the other browser has read one that is a hundred before."""
    ahead, count = 100, 2_000
    state = msgspec.structs.replace(STATE, context=["C4.E4.G4"] * 3_000)  # 33 kB
    silent = Silent(monitor)
    with monitor.watch() as browser:
        monitor.hear_until(Watched(2))
        before = monitor.megabytes()
        for number in range(count + ahead):
            if number < count:
                monitor.say(msgspec.structs.replace(state, at_ms=float(number)))
            if number >= ahead:
                assert receive(browser, State).at_ms == number - ahead
        # It was sent away, though it never answered.
        assert monitor.hear_until(Watched(1))
        assert rest(silent.socket) < 33_000 * count / 2
        silent.socket.close()
        assert monitor.megabytes() < before + 15


def test_who_pings_and_never_reads_the_answers_is_cut_off_and_who_never_enters(monitor):
    """In one test, since both take seconds."""
    with monitor.browse() as mute:
        silent = Silent(monitor)
        megabytes = [monitor.megabytes()]
        ping = b"\x89\xfd" + bytes(4) + b"x" * 125
        with pytest.raises(ConnectionError):
            send_without_end(
                silent.socket.sendall, 500 * ping, lambda: megabytes.append(monitor.megabytes())
            )
        silent.socket.close()
        assert max(megabytes) < megabytes[0] + 15
        assert monitor.hear_until(Watched(0))
        assert closing(mute) == (1008, f"no token came within {ENTER_S:g} s")


def test_who_asks_a_letter_at_a_time_shuts_nobody_out(monitor):
    with ExitStack() as stack, monitor.watch() as browser:
        slow = []
        for number in range(3 * MOST):
            slow.append(stack.enter_context(monitor.plain_socket()))
            slow[-1].sendall(b"GET / HTTP/1.1\r\nHost:")
            if number % MOST == 0:
                assert monitor.ask("/static/theme.css").status == 200
        for gone in slow[: 2 * MOST]:
            assert rest(gone) == 0
        monitor.say(STATE)
        assert receive(browser, State) == STATE


def test_browsers_that_wont_go_are_bounded(monitor):
    """Beyond those that may look on, each is told to go, and has a second to answer."""
    handshake = (
        f"GET /live HTTP/1.1\r\nHost: {monitor.host}\r\nOrigin: http://{monitor.host}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with ExitStack() as stack:
        let_in = 0
        for _ in range(6):
            some = [stack.enter_context(monitor.plain_socket()) for _ in range(MOST // 2)]
            for each in some:
                each.sendall(handshake.encode())
            let_in += sum(takes(each) for each in some)
        assert MOST_BROWSERS < let_in < 3 * MOST
        assert monitor.ask("/static/theme.css").status == 200


def takes(connection):
    """Whether there is an answer."""
    try:
        return connection.recv(12) == b"HTTP/1.1 101"
    except ConnectionResetError:
        return False


def test_a_flood_of_requests_lets_messages_through(monitor):
    with ExitStack() as stack, monitor.watch(TOKEN) as browser:
        flood = [stack.enter_context(monitor.plain_socket()) for _ in range(MOST // 2)]
        request = b"GET /static/icon.svg HTTP/1.1\r\nHost: %b\r\n\r\n" % monitor.host.encode()
        for number in range(20):
            for each in flood:
                each.sendall(10 * request)
            monitor.say(msgspec.structs.replace(STATE, at_ms=float(number)))
            assert receive(browser, State).at_ms == number
