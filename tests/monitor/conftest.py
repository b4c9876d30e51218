"""A monitor for each module: what one test leaves behind is for the next to bear."""

import pytest

pytest.importorskip("uvicorn")

from tests.monitor.process import Monitor


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def monitor(recordings):
    started = Monitor(recordings)
    yield started
    assert started.end() == (0, "")
