"""``token_maze`` in reasoning-gym: data set, score, curriculum, and beside others in a composite."""
# ruff: noqa: E402  where the package is not installed, nothing of it can be imported

import random

import pytest

reasoning_gym = pytest.importorskip("reasoning_gym", reason="needs pip install 'tokenmaze[reasoning-gym]'")

from reasoning_gym.coaching.base_curriculum import DefaultCurriculumContext, RangeAttributeMode
from reasoning_gym.composite import DatasetSpec
from reasoning_gym.dataset import ReseedingDataset
from reasoning_gym.factory import create_curriculum, get_score_answer_fn, has_curriculum

from maze_env import maze_from_text, shortest_path, split_of
from maze_env.errors import InvalidConfig, TokenMazeError
from tokenmaze.benchmarks.doors.reasoning_gym import NAME
from tokenmaze.benchmarks.doors.task import task_of_seed


def mazes(data):
    return [entry["metadata"]["maze"] for entry in data]


def test_entries_are_the_tasks_of_the_seed():
    state = random.getstate()
    data = reasoning_gym.create_dataset(NAME, seed=7, size=10)
    assert len(data) == 10
    assert data.category == "games"
    for index, entry in enumerate(data):
        task = task_of_seed(7, index)
        assert (entry["question"], entry["answer"]) == (task.prompt, task.answer)
        assert entry["metadata"]["id"] == task.id
        assert entry["metadata"]["source_index"] == index
        assert split_of(maze_from_text(entry["metadata"]["maze"]).walls) == "train"
    assert data[3] == reasoning_gym.create_dataset(NAME, seed=7, size=4)[3]
    assert random.getstate() == state


def test_scores():
    data = reasoning_gym.create_dataset(NAME, seed=0, size=5, min_dist=4)
    for entry in data:
        answer, length = entry["answer"], entry["metadata"]["shortest_path_length"]
        first = answer[: answer.index(">") + 1]
        assert data.score_answer(answer, entry) == 1.0
        assert data.score_answer(f"<think>so</think>\n{answer}", entry) == 1.0
        assert data.score_answer(first, entry) == pytest.approx(0.1 / length)
        assert [data.score_answer(wrong, entry) for wrong in (None, "", f"The way: {answer}", answer + first)] == [
            0.0
        ] * 4
    assert get_score_answer_fn(NAME)(data[0]["answer"], data[0]) == 1.0


def test_another_path_to_the_target_scores_as_well():
    data = reasoning_gym.create_dataset(NAME, seed=0, size=30, braid=1.0, min_dist=3)
    for entry in data:
        maze = maze_from_text(entry["metadata"]["maze"])
        # Back and forth once, then the shortest path.
        there = next(move for move in maze.open_moves(maze.origin) if move.apply(maze.origin) != maze.target)
        back = {"up": "down", "down": "up", "left": "right", "right": "left"}[there.name.lower()]
        longer = f"{there.token}<|{back}|>{''.join(move.token for move in shortest_path(maze))}"
        assert longer != entry["answer"]
        assert data.score_answer(longer, entry) == 1.0


def test_sizes_and_lengths_keep_within_the_configuration():
    data = reasoning_gym.create_dataset(NAME, seed=1, size=60, min_grid_size=4, max_grid_size=6, min_dist=2, max_dist=5)
    shapes = {maze_from_text(text).walls.shape for text in mazes(data)}
    assert shapes == {(4, 4), (5, 5), (6, 6)}
    assert {entry["metadata"]["shortest_path_length"] for entry in data} == {2, 3, 4, 5}
    assert {entry["metadata"]["grid_size"] for entry in data} == {4, 5, 6}


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_grid_size": 6}, {"max_grid_size": 100}, {"min_dist": 25}, {"min_dist": 4, "max_dist": 3}, {"size": 0},
        {"generator": "nothing"}, {"split": "test"}, {"braid": 2},
    ],
)  # fmt: skip
def test_impossible_configurations_are_refused_at_once(wrong):
    with pytest.raises(TokenMazeError, match=r"Expects .*actual: "):
        reasoning_gym.create_dataset(NAME, seed=0, **wrong)
    with pytest.raises(InvalidConfig, match="max_grid_size of at least min_grid_size 6"):
        reasoning_gym.create_dataset(NAME, seed=0, min_grid_size=6, max_grid_size=5)


def test_the_curriculum_makes_paths_longer_and_grids_larger():
    assert has_curriculum(NAME)
    curriculum = create_curriculum(NAME)
    config = curriculum.generate_configuration({"seed": 0, "size": 20})
    assert (config.min_dist, config.max_dist, config.min_grid_size, config.max_grid_size) == (1, 4, 5, 5)
    assert curriculum.increment_attr_level("dist")
    config = curriculum.generate_configuration({"seed": 0, "size": 20})
    assert (config.min_dist, config.max_dist, config.min_grid_size, config.max_grid_size) == (1, 8, 5, 5)
    levels = 1
    while curriculum.increment_global_level():
        levels += 1
    assert levels == 4
    for mode in RangeAttributeMode:
        context = DefaultCurriculumContext(mode=mode, k=2)
        config = curriculum.generate_configuration({"seed": 0, "size": 20}, context)
        data = reasoning_gym.create_dataset(NAME, **vars(config))
        assert (config.max_dist, config.max_grid_size) == (16, 10)
        lengths = [entry["metadata"]["shortest_path_length"] for entry in data]
        assert config.min_dist <= min(lengths) <= max(lengths) <= 16
    assert curriculum.decrement_global_level()


def test_it_mixes_with_other_data_sets():
    specs = [DatasetSpec(NAME, 1, {"min_dist": 3}), DatasetSpec("leg_counting", 1, {})]
    data = reasoning_gym.create_dataset("composite", seed=5, size=20, datasets=specs)
    sources = [entry["metadata"]["source_dataset"] for entry in data]
    assert set(sources) == {NAME, "leg_counting"}
    assert [data.score_answer(entry["answer"], entry) for entry in data] == [1.0] * 20
    data.update_dataset_config(NAME, {"min_grid_size": 6, "max_grid_size": 6})
    sizes = [entry["metadata"].get("grid_size") for entry in data]
    assert set(sizes) == {6, None}


def test_an_endless_data_set_does_not_repeat_itself():
    endless = iter(ReseedingDataset(reasoning_gym.create_dataset(NAME, seed=0, size=4), chunk_size=4))
    assert len({next(endless)["metadata"]["id"] for _ in range(20)}) == 20
