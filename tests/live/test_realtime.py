import gc
import sys
import threading

import pytest

from livecomposer.live.realtime import loading, prefer_thread, prepare_process


def test_a_refusal_is_logged_once_and_is_not_fatal(caplog):
    caplog.set_level("INFO")
    if not hasattr(__import__("os"), "sched_setscheduler"):
        pytest.skip("this system has no scheduling policies")
    for _ in range(2):
        prefer_thread(1000)  # no such priority
    assert len(caplog.records) == 1
    assert "set ports.realtime = 'off'" in caplog.records[0].message


def test_what_was_loaded_is_out_of_the_collectors_way():
    before = gc.get_freeze_count()
    with loading():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()


def test_threads_give_way_soon():
    interval = sys.getswitchinterval()
    thread = threading.Thread(target=prepare_process)  # its timers only
    thread.start()
    thread.join()
    assert sys.getswitchinterval() <= 0.001
    sys.setswitchinterval(interval)
