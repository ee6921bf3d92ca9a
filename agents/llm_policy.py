"""``LLMPolicy``: makes any causal language model that ``transformers`` loads an agent, in both modes.

In *plan* the model reads the maze once and its completion is the answer. In *play* it reads each observation, which is
a maze to solve from there, plans anew, and plays the first move of its plan.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

from agents.base import Agent, Mode
from agents.decoding import context_length, drop_finished, end_ids, evaluation_mode
from agents.errors import InvalidCheckpoint
from agents.prompts import prompt_settings, prompt_template, render, set_prompt_template, token_ids
from agents.protocols import Tokenizer
from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD, phrasing_named


def load_checkpoint(
    path: str, chat_template_file: str | None = None, prompt_file: str | None = None, **options: Any
) -> tuple[PreTrainedModel, Tokenizer]:
    """The model and tokenizer of a folder or hub name.

    Args:
        path: the folder or name.
        chat_template_file: a chat template (Jinja) instead of the tokenizer's.
        prompt_file: a text with ``{maze}`` in it, instead of the standard prompt.
        options: passed to ``from_pretrained``.

    Raises:
        InvalidCheckpoint: when nothing usable is there, model and tokenizer disagree on the vocabulary, or nothing says
            how the model is to be prompted, as for a base model.
        InvalidConfig: when ``chat_template_file`` or ``prompt_file`` is no file, or the latter has no ``{maze}``.
    """
    for name, file in (("chat_template_file", chat_template_file), ("prompt_file", prompt_file)):
        if file is not None and not Path(file).is_file():
            raise InvalidConfig(f"Expects {name} to name a file, actual: {file!r}, which does not exist")
    kinds = ("config.json", "adapter_config.json")  # a model, or adapters, which name the model that they belong to
    if Path(path).is_dir() and not any((Path(path) / kind).is_file() for kind in kinds):
        raise InvalidCheckpoint(f"Expects a folder with a saved model (config.json), actual: {path!r} has none")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()
        raise InvalidCheckpoint(
            f"Expects a folder or hub name with a causal language model and its tokenizer, actual: {path!r} "
            f"({reason[0] if reason else type(error).__name__})"
        ) from error
    if info["missing_keys"]:  # transformers would fill them with random numbers and only log it
        raise InvalidCheckpoint(
            f"Expects all weights of the model in {path!r}, actual: {len(info['missing_keys'])} are missing, "
            f"{min(info['missing_keys'])!r} among them"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InvalidCheckpoint(
            f"Expects an embedding row for each of the tokenizer's {len(tokenizer)} tokens, "
            f"actual: {rows} rows in {path!r}"
        )
    if tokenizer.pad_token is None:  # as in GPT-2 and Llama; batches need one, and masks keep it from being read
        tokenizer.pad_token = tokenizer.eos_token
    if chat_template_file is not None:
        tokenizer.chat_template = Path(chat_template_file).read_text(encoding="utf-8")
    if prompt_file is not None:
        set_prompt_template(tokenizer, Path(prompt_file).read_text(encoding="utf-8"))
    if not tokenizer.chat_template:
        raise InvalidCheckpoint(
            "Expects a tokenizer with a chat template, actual: none (for a base model, give one as chat_template_file; "
            "{{ messages[0]['content'] }} in it is the prompt and nothing else)"
        )
    return model, tokenizer


def load_for_inference(path: str, device: str | None, **options: Any) -> tuple[PreTrainedModel, Tokenizer]:
    """``load_checkpoint``, in evaluation mode and on ``device``: by default the first accelerator, else the CPU."""
    model, tokenizer = load_checkpoint(path, **options)
    if "device_map" not in options:
        accelerator = torch.accelerator.current_accelerator()
        model.to(device or (accelerator if accelerator is not None else "cpu"))
    return model.eval(), tokenizer


SETTINGS = ("temperature", "max_new_tokens", "do_sample", "top_k", "top_p", "repetition_penalty", "eos_token_id")
"""What a result tells of the generation configuration."""
SAMPLE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
"""A maze to try a phrasing on."""


class LLMPolicy(Agent):
    """A language model as an agent.

    Example:
        >>> policy = LLMPolicy.from_pretrained("runs/my-model", temperature=0.7)  # doctest: +SKIP
        >>> policy = LLMPolicy(model, tokenizer)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        name: str = "model",
        mode: Mode = "plan",
        temperature: float = 0.0,
        max_new_tokens: int = 512,
        batch_size: int = 256,
        progress: bool = False,
    ):
        """A policy of a model that is loaded already, as during training.

        Args:
            model: a causal language model.
            tokenizer: its tokenizer.
            name: what results call it.
            mode: ``plan`` or ``play``.
            temperature: 0 decodes greedily; above, samples from the whole distribution.
            max_new_tokens: the completion's budget; a completion that reaches it is verified as it stands.
            batch_size: completions generated at once.
            progress: whether to show a progress bar.

        Raises:
            InvalidConfig: for values that cannot be.
        """
        _check_options(temperature, max_new_tokens, batch_size)
        self.model, self.tokenizer, self.name, self.mode = model, tokenizer, name, mode
        self.batch_size, self.progress = batch_size, progress
        self.generation = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=temperature > 0,
            temperature=temperature or None,
            # Said, for what is None is taken from the model's own configuration.
            top_k=0 if temperature > 0 else None,
            top_p=1.0 if temperature > 0 else None,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=end_ids(model, tokenizer),
        )
        self._seeds: list[int] = []
        self._turn, self._phrasing = 0, STANDARD

    @classmethod
    def from_pretrained(
        cls,
        path: str,
        mode: Mode = "plan",
        temperature: float = 0.0,
        max_new_tokens: int = 512,
        batch_size: int = 256,
        device: str | None = None,
        progress: bool = False,
        **load_options: Any,
    ) -> "LLMPolicy":
        """Loads the model.

        Args:
            path: a folder or hub name.
            mode: as the constructor's, and so are the next four.
            temperature: 0 decodes greedily.
            max_new_tokens: the completion's budget.
            batch_size: completions generated at once.
            device: where to put the model; default the first accelerator, else the CPU.
            progress: whether to show a progress bar.
            load_options: as ``load_checkpoint`` takes (``chat_template_file``, ``dtype``, ``device_map`` ...).

        Raises:
            InvalidCheckpoint: as ``load_checkpoint``.
            InvalidConfig: for values that cannot be.
        """
        _check_options(temperature, max_new_tokens, batch_size)
        model, tokenizer = load_for_inference(path, device, **load_options)
        return cls(model, tokenizer, path, mode, temperature, max_new_tokens, batch_size, progress)

    @property
    def prompt_template(self) -> str:
        """The prompt in force, chat template included, with ``{maze}`` instead of the maze."""
        return prompt_template(self.tokenizer, self._phrasing)

    @property
    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for name in SETTINGS:
            value = getattr(self.generation, name)  # None: the model's own
            settings[name] = getattr(self.model.generation_config, name, None) if value is None else value
        if not settings["do_sample"]:
            settings |= {"temperature": 0.0, "top_k": None, "top_p": None}
        settings["dtype"] = str(self.model.dtype).removeprefix("torch.")
        return settings | prompt_settings(self.prompt_template)

    def supports(self, phrasing: str) -> bool:
        try:
            token_ids(self.tokenizer, [render(self.tokenizer, phrasing_named(phrasing).write(SAMPLE), phrasing).text])
        except UnreadableMaze:
            return False
        return True

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._seeds, self._turn, self._phrasing = list(seeds), 0, phrasing

    def act(self, observations: list[str]) -> list[Reply]:
        replies = [Reply("", tokens=0)] * len(observations)
        # Longest first, so that what does not fit into memory or context fails at once, and padding is little.
        waiting = sorted((i for i, text in enumerate(observations) if text), key=lambda i: -len(observations[i]))
        batches = [waiting[start : start + self.batch_size] for start in range(0, len(waiting), self.batch_size)]
        for batch in tqdm(batches, desc=f"{self.name} {self.mode}", disable=not self.progress):
            for index, reply in zip(batch, self._complete([observations[i] for i in batch], batch), strict=True):
                replies[index] = reply if self.mode == "plan" else _first_move(reply)
        self._turn += 1
        return replies

    @torch.inference_mode()
    def _complete(self, observations: list[str], indices: list[int]) -> list[Reply]:
        prompts = [render(self.tokenizer, text, self._phrasing) for text in observations]
        ids = [torch.tensor(row) for row in token_ids(self.tokenizer, [prompt.text for prompt in prompts])]
        longest, context = max(map(len, ids)), context_length(self.model)
        if longest + self.generation.max_new_tokens > context:
            raise InvalidConfig(
                f"Expects prompts and max_new_tokens={self.generation.max_new_tokens} to fit into the context of "
                f"{self.name!r}, {context} tokens, actual: a prompt of {longest} tokens"
            )
        generator = None
        if self.generation.do_sample:
            # One generator serves the batch, so an episode's sample depends on all seeds of its batch.
            generator = torch.Generator(self.model.device)
            generator.manual_seed(key_of(self._turn, *(self._seeds[i] for i in indices)) % 2**63)
        masks = [torch.ones_like(row) for row in ids]
        inputs, mask = (
            pad_sequence(rows, batch_first=True, padding_value=value, padding_side="left").to(self.model.device)
            for rows, value in ((ids, self.tokenizer.pad_token_id), (masks, 0))
        )
        with evaluation_mode(self.model):
            sequences = self.model.generate(
                input_ids=inputs,
                attention_mask=mask,
                generation_config=self.generation,
                custom_generate=partial(drop_finished, generator=generator),
            )
        completions = sequences[:, longest:]
        ended = torch.isin(completions, torch.tensor(self.generation.eos_token_id, device=completions.device))
        texts = self.tokenizer.batch_decode(completions, skip_special_tokens=True)
        replies = []
        for prompt, text, row in zip(prompts, texts, ended, strict=True):
            ends = torch.nonzero(row)
            tokens = int(ends[0]) + 1 if len(ends) else len(row)
            replies.append(Reply(text, tokens, not len(ends), thinking_opened=prompt.thinking_opened))
        return replies


def _check_options(temperature: float, max_new_tokens: int, batch_size: int) -> None:
    if temperature < 0 or max_new_tokens < 1 or batch_size < 1:
        raise InvalidConfig(
            "Expects temperature >= 0, max_new_tokens >= 1 and batch_size >= 1, "
            f"actual: {temperature}, {max_new_tokens}, {batch_size}"
        )


def _first_move(reply: Reply) -> Reply:
    """The first move of a plan; the whole completion where there is none, so that the record shows it."""
    move = first_move(reply.text, reply.thinking_opened)
    return reply if move is None else replace(reply, text=move.token)
