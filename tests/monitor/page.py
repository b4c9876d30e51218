"""What tests do with the page, and find in it."""

from playwright.sync_api import expect

from tests.monitor.jam import wait_for


class Untouched:
    """A page in which nobody has done anything yet.

    What a test asks of a page, the browser takes for the user's doing. So this one is asked
    nothing: where things are in it, they are in another one.
    """

    def __init__(self, open_page, jam, **options):
        self._before = open_page(jam.address, **options)
        expect(self._before.get_by_label("Temperature")).to_be_enabled()
        self.page = open_page("about:blank", **options)
        with self.page.expect_websocket() as live:
            self.page.goto(jam.address)
        live.value.wait_for_event("framereceived", lambda frame: '"state"' in frame)

    def middle(self, name):
        return middle_of(self._before, name)


def middle_of(page, name):
    """Where a button is pressed: low down, where no black key lies on a white one."""
    box = page.get_by_role("button", name=name, exact=True).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] - 10


def pixels(page, colour, canvas="roll"):
    """How many of a canvas's pixels are of a colour of the theme."""
    return page.evaluate("([id, colour]) => probe.count(id, colour)", [canvas, colour])


def sounds(page, part):
    """The pitches that began to sound in the browser."""
    return [
        each["pitch"] for each in page.evaluate("sounds") if each["part"] == part and each["on"]
    ]


def is_quiet(watcher):
    """Wait until nobody plays."""
    wait_for(lambda: watcher.state["turn"] == "" and not watcher.state["planned"])
