import threading
import time

import pytest
from tenacity import retry_if_exception_type, retry_if_result

from toolchain.plugins.patience import Pauses, patient

FAST = Pauses(first=0.01, longest=0.02, growth=2.0)


def test_it_ends_with_the_first_good_result() -> None:
    results = iter([0, 0, 7])
    assert (
        patient(
            retry_if_result(lambda result: result == 0), seconds=5, cancelled=threading.Event(), pauses=FAST
        )(lambda: next(results))
        == 7
    )


def test_the_last_result_counts_when_time_is_up() -> None:
    started = time.monotonic()
    result = patient(retry_if_result(lambda _: True), seconds=0.1, cancelled=threading.Event(), pauses=FAST)(
        lambda: "late"
    )
    assert result == "late"
    assert time.monotonic() - started < 1


def test_the_last_error_counts_when_time_is_up() -> None:
    def fail() -> None:
        raise KeyError("still")

    with pytest.raises(KeyError, match="still"):
        patient(retry_if_exception_type(KeyError), seconds=0.05, cancelled=threading.Event(), pauses=FAST)(
            fail
        )


def test_no_pause_goes_beyond_the_limit() -> None:
    started = time.monotonic()
    long_pauses = Pauses(first=60, longest=60, growth=2.0)
    patient(retry_if_result(lambda _: True), seconds=0.1, cancelled=threading.Event(), pauses=long_pauses)(
        lambda: None
    )
    assert time.monotonic() - started < 1


def test_an_interrupted_run_ends_a_long_pause() -> None:
    cancelled = threading.Event()
    threading.Timer(0.05, cancelled.set).start()
    started = time.monotonic()
    patient(retry_if_result(lambda _: True), seconds=600, cancelled=cancelled)(lambda: None)
    assert time.monotonic() - started < 1
