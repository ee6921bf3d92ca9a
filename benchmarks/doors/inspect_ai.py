"""The door to Inspect (UK AI Security Institute): the suites as its tasks, scored by the verifier.

    inspect eval tokenmaze/mazebench -T suite=mazebench-100 --model openai/gpt-5-mini
    inspect eval tokenmaze/mazebench_play -T suite=fog --model openai/gpt-5-mini

Inspect finds them by the entry point in ``setup.cfg``. Tried with inspect_ai 0.3.285.
"""

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ContentReasoning, ContentText, ModelOutput
from inspect_ai.scorer import CORRECT, INCORRECT, Metric, Scorer, Target, accuracy, ci_wilson, grouped, scorer, stderr
from inspect_ai.scorer import Score as InspectScore
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver
from inspect_ai.tool import ToolDef

from maze_env.splits import layout_hash
from maze_env.tokens import THINK_CLOSE, THINK_OPEN, maze_from_text
from tokenmaze.agents.tool_game import ToolGame
from tokenmaze.benchmarks.doors.task import Score, score_answer, score_attempt, tasks_of_suite
from tokenmaze.benchmarks.doors.task import Task as Maze
from tokenmaze.benchmarks.suites import load

CUT = ("max_tokens", "model_length")
"""Reasons of Inspect's to stop that cut an answer short."""
CALLS = "moves"
"""Where the sample's store keeps the directions of the calls, in their order."""


@task
def mazebench(suite: str = "mazebench-100", bare: bool = False) -> Task:
    """A suite in mode plan: one answer holds the whole way.

    Args:
        suite: A frozen one, or a file of published mazes.
        bare: Ask with the maze alone, as models that were trained on nothing else read it.
    """
    mazes = tasks_of_suite(suite)
    return _task(suite, mazes, [maze.bare_prompt if bare else maze.prompt for maze in mazes], verdict())


@task
def mazebench_play(suite: str = "mazebench-100") -> Task:
    """A suite in mode play: the model moves by calling a tool and is told what it sees.

    Args:
        suite: A frozen one, or a file of published mazes.
    """
    mazes = tasks_of_suite(suite, mode="play")
    return _task(suite, mazes, [maze.tool_game.question for maze in mazes], game_verdict(), setup=start_game())


def _task(suite: str, mazes: list[Maze], questions: list[str], scorer: Scorer, setup: Solver | None = None) -> Task:
    spec = load(suite).spec
    if spec.images:  # no independent trials; of such, ci_wilson refuses to give an interval while the first is running
        metrics: list[Metric] = [accuracy(), stderr(cluster="layout")]
    else:
        metrics = [accuracy(), stderr(), ci_wilson()]
    return Task(
        MemoryDataset(list(map(_sample, mazes, questions)), name=suite),
        setup=setup,
        solver=generate(),
        scorer=scorer,
        metrics=[*metrics, grouped(accuracy(), "level", all=False)],
        version=spec.version,
        metadata={"suite_sha256": spec.sha256},
    )


def _sample(maze: Maze, question: str) -> Sample:
    return Sample(
        input=question,
        target=maze.answer,
        id=maze.id,
        metadata={
            "maze": maze.text,
            "level": maze.level,
            "view_radius": maze.view_radius,
            "layout": f"{layout_hash(maze.maze.walls):016x}",
        },
    )


@scorer(metrics=[accuracy(), stderr()])
def verdict() -> Scorer:
    """Whether the answer solves the maze, by the strict rule."""

    async def score(state: TaskState, target: Target) -> InspectScore:
        text, truncated = answer_of(state.output)
        return _score(score_answer(state.metadata["maze"], text, truncated=truncated), text)

    return score


@scorer(metrics=[accuracy(), stderr()])
def game_verdict() -> Scorer:
    """Whether the moves that were called solve the maze. They are played anew, so that a log can be scored again."""

    async def score(state: TaskState, target: Target) -> InspectScore:
        game, calls = _game(state), state.store.get(CALLS, [])
        for direction in calls:
            game.move(direction)
        truncated = not state.output.choices or state.output.stop_reason in CUT or bool(state.output.message.tool_calls)
        return _score(score_attempt(game.attempt(truncated)), " ".join(calls))

    return score


def _score(score: Score, answer: str) -> InspectScore:
    return InspectScore(
        value=CORRECT if score.solved else INCORRECT,
        answer=answer.rpartition(THINK_CLOSE)[2],
        explanation=score.end.replace("_", " "),
        metadata=score.as_dict(),
    )


@solver
def start_game() -> Solver:
    """Gives the sample a game and the tool ``move`` to play it; a setup, so that any solver or agent can play."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        game = _game(state)

        async def move(direction: str) -> str:
            """Moves to the neighbouring cell, and says where you stand then, and the walls there.

            Args:
                direction: One of up, down, left and right.
            """
            state.store.set(CALLS, [*state.store.get(CALLS, []), direction])
            told = game.move(direction)
            state.completed = game.is_over  # else the model would be asked on
            return told

        state.tools = [*state.tools, ToolDef(move)]
        return state

    return solve


def _game(state: TaskState) -> ToolGame:
    return Maze("", "", maze_from_text(state.metadata["maze"]), state.metadata["view_radius"]).tool_game


def answer_of(output: ModelOutput) -> tuple[str, bool]:
    """What a model wrote, its thinking between tags, and whether a budget of tokens cut it short.

    Inspect keeps thinking apart from the answer. Thinking that was cut is left open, as the model left it.
    """
    if not output.choices:
        return "", False
    truncated, content = output.stop_reason in CUT, output.message.content
    if isinstance(content, str):
        return content, truncated
    text = "".join(part.text for part in content if isinstance(part, ContentText))
    thoughts = [part.text for part in content if isinstance(part, ContentReasoning)]
    if not thoughts or THINK_CLOSE in text:
        return text, truncated
    thinking = "".join(thoughts).replace(THINK_OPEN, "").replace(THINK_CLOSE, "")
    return THINK_OPEN + thinking + (THINK_CLOSE + text if text or not truncated else ""), truncated
