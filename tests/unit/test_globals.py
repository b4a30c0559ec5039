"""What modules hold is put back before each execution; what nobody has changed so far is looked at now and then."""

from __future__ import annotations

from types import ModuleType

from torture.isolation.globals import Globals


def module() -> ModuleType:
    made = ModuleType("program_with_state")
    exec("class Box:\n    kept = []\nnumber, items, box = 0, [1], Box()", made.__dict__)
    return made


def change(program: ModuleType) -> None:
    program.number += 1
    program.items.append(2)
    program.Box.kept.append(3)
    program.box.extra = 4
    program.late = 5


def is_as_it_was(program: ModuleType) -> bool:
    names = {"Box", "number", "items", "box"}
    return {name for name in vars(program) if not name.startswith("__")} == names and (
        program.number,
        program.items,
        program.Box.kept,
        vars(program.box),
    ) == (0, [1], [], {})


def test_everything_is_put_back() -> None:
    program = module()
    state = Globals([program])
    change(program)
    state.restore()

    assert is_as_it_was(program)


def test_a_sampler_puts_back_within_64_executions_and_from_then_on_each_time() -> None:
    program = module()
    state = Globals([program])
    for _ in range(70):
        state.restore(lightly=True)
    change(program)
    for _ in range(64):
        state.restore(lightly=True)

    assert is_as_it_was(program)
    for _ in range(3):
        change(program)
        state.restore(lightly=True)
        assert is_as_it_was(program)


def test_generators_of_random_numbers_are_put_back_those_without_a_state_left_alone() -> None:
    program = ModuleType("program_that_draws")
    exec(
        "import random\n"
        "class Mine(random.Random):\n    def getstate(self):\n        raise LookupError\n"
        "system, seeded, mine = random.SystemRandom(), random.Random(1), Mine(2)",
        program.__dict__,
    )
    state = Globals([program])
    drawn = [program.seeded.gauss(0, 1), program.mine.random()]
    program.system.drawn = program.system.random()
    state.restore()

    assert [program.seeded.gauss(0, 1), program.mine.random()] == drawn
    assert not hasattr(program.system, "drawn")
