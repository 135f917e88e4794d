"""The ways that the benchmark of keys measures: each state, each delivery, saved at each step or once."""

from bench.key_stack import Way


def test_every_way_has_one_that_saves_its_state_once() -> None:
    names = {way.value for way in Way if not way.value.endswith("saved-once")}
    assert {way.value for way in Way} - names == {f"{name}-saved-once" for name in names}


def test_keys_are_kept_in_the_state_however_often_that_is_saved() -> None:
    each, once = Way.STATE.variables(), Way.STATE_SAVED_ONCE.variables()
    assert (each["BENCH_PATH"], once["BENCH_PATH"]) == ("", "")
    assert once.keys() - each.keys() == {"PULUMI_SKIP_CHECKPOINTS", "PULUMI_EXPERIMENTAL"}
