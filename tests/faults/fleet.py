"""Several keys of one stack at the real CLI, each between proxies of its own and about to undergo a run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from tests.faults.cli import Cli
from tests.faults.runs import Run
from tests.faults.world import World

__all__ = ["Fleet", "NewFleet"]


class Fleet:
    """Several keys of one stack.

    Attributes
    ----------
    worlds
        Where each key lives -> what it undergoes.
    """

    def __init__(self, cli: Cli, worlds: Mapping[World, Run]) -> None:
        self.cli = cli
        self.worlds = worlds

    def prepare(self) -> None:
        """Make what stands before."""
        for world, run in self.worlds.items():
            world.make_ready(run.operation)
            before = run.operation.before
            self.cli.declare(world.name, world.fields(before) if before is not None else None)
        self.cli.up()
        saved = self.cli.saved()
        for world, run in self.worlds.items():
            world.intervene(run.operation, saved.get(world.name))

    def declare_after(self, worlds: Sequence[World]) -> None:
        """Declare what these keys are brought to."""
        for world in worlds:
            after = self.worlds[world].operation.after
            self.cli.declare(world.name, world.fields(after) if after is not None else None)

    @contextmanager
    def faults(self, worlds: Sequence[World], kill: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Let each of these keys have its fault.

        Parameters
        ----------
        worlds
            The keys.
        kill
            Is called for each whose fault is a kill.
        """
        with ExitStack() as stack:
            for world in worlds:
                stack.enter_context(world.wires.watch(*self.worlds[world].plans, kill=kill))
            yield

    def assert_whole(self) -> None:
        """See exactly one key each, and no change; then see them all go."""
        saved = self.cli.saved()
        for world, run in self.worlds.items():
            world.assert_done(run.operation, saved.get(world.name))
        assert self.cli.project.preview() == []
        self.cli.destroy()
        for world, run in self.worlds.items():
            world.assert_gone(run.operation)


NewFleet = Callable[[Sequence[Run]], Fleet]
