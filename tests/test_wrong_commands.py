"""What a person gets wrong on a command line is told in one line, before any work, and leaves nothing behind."""

import importlib
import re
import shlex
import sys

import pytest

from maze_env._cli import run_command
from tests import tiny
from tests.modules import installed

RESULT = tiny.ROOT / "benchmarks" / "results" / "main" / "alphamaze-0-grpo.json"
BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
FILES = {
    "tabs.yaml": b"examples: 3\n\tseed: 4\n",
    "twice.yaml": b"examples: 3\nexamples: 4\n",
    "bomb.yaml": f"{BOMB}sizes: *i\n".encode(),
    "alias.yaml": b"sizes: &s {5x5: 1}\nlengths: *s\n",
    "deep.yaml": b"sizes: " + b"[" * 5000,
    "code.yaml": b"sizes: !!python/object/apply:os.system [ls]\n",
    "binary.yaml": bytes(range(256)),
    "latin.yaml": "run_name: \xfcbung\n".encode("latin-1"),
    "list.yaml": b"examples: [1, 2]\n",
    "mapping.yaml": b"seed: {a: 1}\n",
    "listed.yaml": b"- examples\n",
    "nul.yaml": b'run_name: "a\\0b"\noutput_dir: "a\\0b"\n',
    "empty.yaml": b"",
    "typo.yaml": b"learning_rte: 1\n",
    "date.yaml": b"examples: 2020-01-01\n",
    "page.md": b"no marker\n",
    "text.json": b"{",
    "other.json": b"[]",
    "deep.json": b"[" * 100_000,
    "binary.json": bytes(range(256)),
    "prompt.txt": b"no place for the maze",
    "template.jinja": b"{% for",
}
COMMANDS = """
agents.tiny_model
agents.tiny_model --output_dir page.md
agents.tiny_model --output_dir new --seed -1
agents.tiny_model --output_dir new --seed 1.5
agents.tiny_model --output_dir page.md/sub
benchmarks.compare
benchmarks.compare a.json b.json
benchmarks.compare text.json other.json
benchmarks.compare binary.json other.json
benchmarks.compare deep.json other.json
benchmarks.compare directory directory
benchmarks.compare '' ''
benchmarks.compare R R --metric nosuch
benchmarks.compare R R --points nan
benchmarks.compare R R --points 0
benchmarks.compare R R --points 200
benchmarks.compare R --points 2
benchmarks.freeze
benchmarks.list_suites --export mazebench-10
benchmarks.list_suites --export mazebench-100 -o page.md
benchmarks.list_suites -o new.jsonl
benchmarks.mazebench
benchmarks.mazebench --agent
benchmarks.mazebench --agent ''
benchmarks.mazebench --agent random --suite ''
benchmarks.mazebench --agent random --suite directory
benchmarks.mazebench --agent random --suite nowhere.parquet
benchmarks.mazebench --agent random --suite mazebench-10
benchmarks.mazebench --agent random --mode plya
benchmarks.mazebench --agent random --samples 0
benchmarks.mazebench --agent random --samples 1e3
benchmarks.mazebench --agent random --samples 99999999999
benchmarks.mazebench --agent random --samples 99999999999999999999999
benchmarks.mazebench --agent random --temperature nan
benchmarks.mazebench --agent random --temperature inf
benchmarks.mazebench --agent random --temperature -1
benchmarks.mazebench --agent random --view-radius -1
benchmarks.mazebench --agent random --batch-size 0
benchmarks.mazebench --agent random --stage nostage
benchmarks.mazebench --agent random --output directory
benchmarks.mazebench --agent random --output page.md
benchmarks.mazebench --agent random --output page.md/x.json
benchmarks.mazebench --agent random --output ''
benchmarks.mazebench --agent random --resume
benchmarks.mazebench --agent random --agent-option foo
benchmarks.mazebench --agent random --agent-option foo=1
benchmarks.mazebench --agent q-learning
benchmarks.mazebench --agent q-learning --mode play --agent-option episodes=-1
benchmarks.mazebench --agent q-learning --mode play --agent-option discount=nan
benchmarks.mazebench --agent directory
benchmarks.mazebench --agent page.md
benchmarks.mazebench --agent no_module:Agent
benchmarks.mazebench --agent agents.baselines:NoAgent
benchmarks.mazebench --agent agents.baselines:manhattan
benchmarks.mazebench --agent :
benchmarks.mazebench --agent os:
benchmarks.mazebench --agent os:getcwd
benchmarks.mazebench --agent ..:x
benchmarks.mazebench --agent policy.zip
benchmarks.mazebench --agent http://
benchmarks.mazebench --agnet random
benchmarks.mazebench random
benchmarks.mazebench --agent random --limit 0
benchmarks.mazebench --agent random --limit 5 --output new.json
benchmarks.mazebench --agent random --show -1
benchmarks.multi_turn_speed --games 0
benchmarks.multi_turn_speed --rounds 0
benchmarks.report
benchmarks.report text.json
benchmarks.report text.json -o page.md
benchmarks.report text.json -o new.html
benchmarks.report R -o directory
benchmarks.report R -o new.html --runs directory
benchmarks.report R -o new.html --runs nowhere
benchmarks.report deep.json -o new.html
benchmarks.report.playground_command
benchmarks.report.playground_command --result text.json -o new.html
benchmarks.report.playground_command --result R -o new.html
benchmarks.report.playground_command -o page.md
benchmarks.report.playground_command -o directory
benchmarks.report.moving_picture
benchmarks.report.moving_picture -o page.md
benchmarks.report.moving_picture --result deep.json -o new.gif
benchmarks.report.moving_picture --maze -1 -o new.gif
benchmarks.show
benchmarks.show R --agent random
benchmarks.show text.json
benchmarks.show R --count 0
benchmarks.show --agent random --maze 100
benchmarks.show --agent random --maze -1
benchmarks.show --agent random --unsolved
benchmarks.show --agent directory
benchmarks.study
benchmarks.study nowhere.md
benchmarks.study page.md
benchmarks.study binary.json
benchmarks.study directory
benchmarks.table
benchmarks.table nowhere.json
benchmarks.table binary.json
benchmarks.table R --readme page.md
benchmarks.table R --readme nowhere.md
benchmarks.table R --readme directory
benchmarks.table R --readme binary.json
benchmarks.table R R
benchmarks.throughput --rounds 0
benchmarks.throughput --rounds -1
benchmarks.throughput --rounds x
benchmarks.throughput --table text.json
benchmarks.throughput --table nowhere.json
benchmarks.throughput --table other.json
benchmarks.throughput --output directory
benchmarks.upgrade
benchmarks.upgrade text.json
benchmarks.upgrade directory
maze_env.command banch
maze_env.command --nosuch
maze_env.command --print-completion nosuch
maze_env.command bench
maze_env.command bench --agent random --limit 0
maze_env.command bench --agent random --name ''
maze_env.command sft --examples 0
maze_env.generate_command --size 5
maze_env.generate_command --count 0
maze_env.generate_command --lengths 30-40
maze_env.generate_command -o directory
agents.fetch
agents.fetch smollm3 -o new
agents.fetch smollm2
maze_env.human_play --seed -1
maze_env.human_play --seed 99999999999999
maze_env.human_play --size 1x5
maze_env.human_play --size 100x5
maze_env.human_play --size x
maze_env.human_play --braid nan
maze_env.human_play --braid 2
maze_env.human_play --generator dsf
maze_env.human_play --view-radius -1
maze_env.human_play --nosuch 3
maze_env.human_play stray
training.export
training.export --output_dir page.md
training.export --output_dir directory --columns nosuch
training.export --output_dir new --maze_seed -1
training.export --output_dir new --examples 0
training.export --output_dir new --sizes 1x1
training.export --output_dir .
training.grpo --examples 2
training.grpo --model directory
training.grpo --from_scratch true --reward sovled
training.grpo --from_scratch true --temperature nan
training.grpo --from_scratch true --temperature -1
training.grpo --from_scratch true --num_generations 0
training.grpo --from_scratch true --num_generations 1 --examples 2
training.grpo --from_scratch true --num_generations 7 --per_device_train_batch_size 8
training.grpo --from_scratch true --max_completion_length 0
training.grpo --from_scratch true --curriculum size
training.grpo --from_scratch true --beta nan --examples 2
training.grpo --from_scratch true --epsilon nan --examples 2
training.grpo --from_scratch true --tool_calls true
training.ppo --size 1x5
training.ppo --size 5
training.ppo --size 5000x5 --num_envs 2
training.ppo --num_envs 0
training.ppo --gamma nan
training.ppo --gamma 2
training.ppo --learning_rate inf
training.ppo --seed -1
training.ppo --generator dsf
training.ppo --view_radius -1
training.ppo --output_dir page.md
training.ppo --batch_size 1
training.ppo --channels 0
training.ppo --config binary.json
training.recipe
training.recipe nosuch stages
training.recipe default nosuch
training.recipe default settings
training.dpo --pairs 0
training.dpo --loss_type sigmod
training.rft --rounds 0
training.rft --keep shortst
training.rft --temperature 0
training.rft --max_steps 5
training.rft --mode play
training.rft --rounds 3 --examples 2
training.sft --config tabs.yaml
training.sft --config twice.yaml
training.sft --config bomb.yaml
training.sft --config alias.yaml
training.sft --config deep.yaml
training.sft --config code.yaml
training.sft --config binary.yaml
training.sft --config latin.yaml
training.sft --config list.yaml
training.sft --config mapping.yaml
training.sft --config listed.yaml
training.sft --config nul.yaml
training.sft --config empty.yaml
training.sft --config typo.yaml
training.sft --config date.yaml
training.sft --config directory
training.sft --config ''
training.sft --config nowhere.yaml
training.sft --output_dir page.md --examples 2
training.sft --output_dir '' --examples 2
training.sft --seed 1e400
training.sft --examples 0
training.sft --examples -5
training.sft --examples 1000000000000000000000
training.sft --eval_strategy step --examples 2
training.sft --optim nosuch --examples 2
training.sft --sizes '' --examples 2
training.sft --sizes 1000000x5 --examples 2
training.sft --sizes '{5x5: nan}' --examples 2
training.sft --sizes '[5x5, 6x6]' --examples 2
training.sft --lengths 9-3 --examples 2
training.sft --braids 2 --examples 2
training.sft --generators dsf --examples 2
training.sft --trace_styles pth --examples 2
training.sft --split trian --examples 2
training.sft --model '' --examples 2
training.sft --model nowhere --examples 2
training.sft --model directory --examples 2
training.sft --model page.md --examples 2
training.sft --lora_rank 0 --examples 2
training.sft --mode plya
training.sft --expert nobody --mode play
training.sft --view_radius -1 --mode play
training.sft --lr_scheduler_type cosin --examples 2
training.sft --per_device_train_batch_size 0
training.sft --exmples 3
training.sft stray
training.sft --ddp_backend nosuch --examples 2
training.sft --seed -1
training.sft --seed 99999999999999999999
training.sft --maze_seed -1
training.sft --learning_rate nan
training.sft --learning_rate inf
training.sft --learning_rate 1e400
training.sft --weight_decay nan
training.sft --weight_decay -1
training.sft --max_steps -7
training.sft --num_train_epochs nan
training.sft --num_train_epochs -1
training.sft --max_grad_norm nan
training.sft --logging_steps nan
training.sft --eval_strategy steps --logging_steps 0
training.sft --save_strategy sometimes
training.sft --bf16 true --fp16 true
training.sft --save_steps -1
training.sft --save_total_limit -1
training.sft --dataloader_num_workers -1
training.sft --gradient_accumulation_steps 0
training.sft --warmup_steps -1
training.sft --lr_scheduler_kwargs '{'
training.sft --load_best_model_at_end true
training.sft --neftune_noise_alpha nan
training.speed
training.speed directory
training.speed directory --output new.json --batch 0
training.speed directory --output new.json --tokens 1
training.speed directory --output page.md/x
"""


MISSPELT = """
benchmarks.compare text.jsn R
benchmarks.mazebench --agent random --suite tex.json
benchmarks.mazebench --agent tiny --agent-option prompt=promt.txt
benchmarks.mazebench --agent http://localhost:1/v1#m --agent-option prompt=promt.txt
benchmarks.overlap tex.json fog
benchmarks.report text.jsn -o new.html
benchmarks.report R -o new.html --runs directry
benchmarks.report.playground_command --result text.jsn -o new.html
benchmarks.show text.jsn
benchmarks.table text.jsn
benchmarks.table R --readme pag.md
benchmarks.study pag.md
benchmarks.throughput --table text.jsn
benchmarks.upgrade text.jsn
training.sft --config tabs.yml
training.sft --examples 2 --model directry
training.speed directry --output new.json
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the commands run, with files that can be named in them."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "directory").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def main_of(command, monkeypatch):
    """The function of a command, which will read its arguments."""
    module, *arguments = shlex.split(command)
    monkeypatch.setattr(sys, "argv", [module, *(str(RESULT) if text == "R" else text for text in arguments)])
    return importlib.import_module(installed(f"{module}.__main__" if module == "benchmarks.report" else module)).main


@pytest.mark.parametrize("command", COMMANDS.strip().splitlines())
def test_a_wrong_command_ends_in_one_line_and_leaves_nothing_behind(folder, monkeypatch, capsys, command):
    main = main_of(command, monkeypatch)
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_command(main)
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert end.value.code == 2
    assert len(lines) == 1, printed.err
    assert re.match("error: Expects .*, actual: |error: Expects .*Did you mean", lines[0])
    assert len(lines[0]) < 2100


@pytest.mark.parametrize("command", MISSPELT.strip().splitlines())
def test_a_file_that_does_not_exist_is_told_with_the_nearest_that_does(folder, monkeypatch, capsys, command):
    with pytest.raises(SystemExit):
        run_command(main_of(command, monkeypatch))
    near = re.search(r"which does not exist\. Did you mean '(.*)'\?$", said := capsys.readouterr().err)
    assert near, said
    assert near[1] in ("directory", *FILES)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == sorted(FILES)
