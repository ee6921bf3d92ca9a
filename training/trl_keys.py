"""What becomes of each key that the stages inherit from TRL and transformers: used, or refused with the reason.

A key that is taken and does nothing would be stored in ``run.json`` as if it had. So each key stands in exactly one
place: in ``USED``, handed on to TRL or read by this package, or in ``REFUSED``, where it has to keep its default. Some
of those used count only together with others: ``NEEDS``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, Trainer, get_scheduler
from transformers.integrations import get_available_reporting_integrations
from transformers.utils import is_liger_kernel_available

from maze_env.errors import InvalidConfig, lookup
from tokenmaze.training.arguments import has_default, require_default


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


IN_BOTH = _names("""
    output_dir per_device_train_batch_size num_train_epochs max_steps learning_rate lr_scheduler_type
    lr_scheduler_kwargs warmup_steps optim optim_args weight_decay adam_beta1 adam_beta2 adam_epsilon
    optim_target_modules gradient_accumulation_steps average_tokens_across_devices max_grad_norm bf16 fp16 tf32
    activation_checkpointing activation_checkpointing_kwargs gradient_checkpointing gradient_checkpointing_kwargs
    torch_compile torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config use_cache
    neftune_noise_alpha torch_empty_cache_steps logging_strategy logging_steps logging_first_step log_on_each_node
    logging_nan_inf_filter log_level log_level_replica disable_tqdm report_to run_name project trackio_space_id
    trackio_bucket_id trackio_static_space_id eval_strategy eval_steps eval_delay eval_on_start save_only_model
    save_strategy save_steps save_on_each_node save_total_limit  push_to_hub hub_token
    hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision load_best_model_at_end
    metric_for_best_model greater_is_better ignore_data_skip restore_callback_states_from_checkpoint full_determinism
    seed use_cpu accelerator_config parallelism_config dataloader_num_workers dataloader_pin_memory
    dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order
    dataloader_drop_last ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph
    ddp_backend ddp_timeout fsdp fsdp_config deepspeed debug skip_memory_metrics local_rank model_init_kwargs
    trust_remote_code router_aux_loss_coef pad_to_multiple_of loss_type
""")  # fmt: skip
USED: dict[str, frozenset[str]] = {
    "sft": IN_BOTH | _names("""
    label_smoothing_factor include_num_input_tokens_seen eos_token activation_offloading pad_token dataset_num_proc
"""),
    "grpo": IN_BOTH | _names("""
    shuffle_dataset disable_dropout cast_lm_head_to_fp32 num_generations max_completion_length
    ds3_gather_for_generation generation_batch_size steps_per_generation temperature
    chat_template_kwargs use_vllm vllm_mode vllm_model_impl
    vllm_enable_sleep_mode vllm_structured_outputs_regex vllm_server_base_url vllm_server_host vllm_server_port
    vllm_server_timeout vllm_group_port vllm_gpu_memory_utilization vllm_max_model_length vllm_tensor_parallel_size
    vllm_importance_sampling_correction vllm_importance_sampling_mode vllm_importance_sampling_clip_max
    vllm_importance_sampling_clip_min vllm_importance_sampling_cap beta num_iterations epsilon delta epsilon_high
    sapo_temperature_neg sapo_temperature_pos vespo_k_pos vespo_lambda_pos vespo_k_neg vespo_lambda_neg
    importance_sampling_level reward_weights multi_objective_aggregation scale_rewards sync_ref_model
    ref_model_mixup_alpha ref_model_sync_steps top_entropy_quantile entropy_coef use_adaptive_entropy entropy_coef_min
    entropy_coef_max entropy_coef_delta entropy_target max_tool_calling_iterations off_policy_mask_threshold
    use_bias_correction_kl log_completions num_completions_to_print log_unique_prompts log_completions_hub_repo
"""),
}  # fmt: skip
"""The keys that do what TRL or transformers say of them, for each stage."""
USED["dpo"] = IN_BOTH | _names("""
    activation_offloading beta disable_dropout discopop_tau f_alpha_divergence_coef f_divergence_type label_smoothing
    ld_alpha loss_weights pad_token ref_model_mixup_alpha ref_model_sync_steps sync_ref_model use_weighting
""")
_PER_ROUND = "a checkpoint is written at the end of each round, from which the next one begins"
_ROUNDS = {
    **dict.fromkeys(("save_strategy", "save_steps", "save_only_model", "ignore_data_skip"), _PER_ROUND),
    "load_best_model_at_end": "a round begins with the model of the one before",
    "max_steps": "rounds and examples say how long a run is",
    "dataloader_drop_last": "a round has as many rows as it keeps",
    "eval_on_start": "it would evaluate at the start of each round",
    "dataset_num_proc": "a round's rows are samples",
}
"""What training in rounds refuses besides."""
USED["rft"] = USED["sft"] - _ROUNDS.keys()

_ATTEMPTS = "an evaluation attempts mazes and computes no loss; see eval_mazes and eval_samples"
_ORDER = "training/dataset.py fixes the rows' order, so that a resumed run reads on where it stopped"
_TOKENS = "rows are tokens already, made by training/dataset.py"
_WHOLE = "nothing is cut"
_WHOLE_DISTRIBUTION = "what is learned from is drawn from the whole distribution, at temperature"
_SCRIPT = "only scripts of one's own read it"
_BOTH_REFUSED = {
    **dict.fromkeys(
        ("per_device_eval_batch_size", "prediction_loss_only", "eval_do_concat_batches", "eval_use_gather_object",
         "eval_accumulation_steps", "include_for_metrics", "batch_eval_metrics", "bf16_full_eval", "fp16_full_eval"),
        _ATTEMPTS,
    ),
    **dict.fromkeys(("do_train", "do_eval", "do_predict"), f"{_SCRIPT}; eval_strategy turns evaluation on"),
    "resume_from_checkpoint": "--resume goes on from the newest whole checkpoint",
    "enable_jit_checkpoint": "a run resumes exactly only from where save_strategy and save_steps save",
    "train_sampling_strategy": _ORDER,
    "length_column_name": _ORDER,
    "data_seed": "maze_seed chooses the mazes, seed the rows' order",
    "label_names": "rows have labels by one name",
    "remove_unused_columns": "rows have no column that is not read",
    "auto_find_batch_size": "rows are arranged by length for the batch size",
}  # fmt: skip
REFUSED: dict[str, dict[str, str]] = {
    "sft": _BOTH_REFUSED | {
        "chat_template_path": "TRL reads it after the rows are made; chat_template_file is read before",
        "shuffle_dataset": _ORDER,
        "packing": "rows are arranged by length",
        "packing_strategy": "rows are arranged by length",
        "eval_packing": _ATTEMPTS,
        "padding_free": "rows are arranged by length, so there is little padding",
        "max_length": _WHOLE,
        "truncation_mode": _WHOLE,
        **dict.fromkeys(("dataset_text_field", "dataset_kwargs"), _TOKENS),
        "completion_only_loss": "the completion alone is learned from, and in mode play the moves",
        "assistant_only_loss": "the completion alone is learned from, and in mode play the moves",
    },
    "grpo": _BOTH_REFUSED | {
        **dict.fromkeys(("top_p", "top_k", "min_p", "repetition_penalty", "generation_kwargs"), _WHOLE_DISTRIBUTION),
        "mask_truncated_completions": "a truncated completion is verified as it stands",
        "num_generations_eval": "eval_samples says how often each maze is attempted",
        "label_smoothing_factor": "GRPO's loss has no labels",
        "include_num_input_tokens_seen": "the log has num_tokens",
        "cache_implementation": "generation writes a cache of its own (agents/decoding.py)",
        "use_transformers_continuous_batching": "completions are generated by agents/decoding.py, or with use_vllm",
        "transformers_continuous_batching_config": "completions are generated by agents/decoding.py, or with use_vllm",
        "use_transformers_paged": "completions are generated by agents/decoding.py, or with use_vllm",
        "log_multimodal": "mazes are texts",
    },
}  # fmt: skip
"""The keys that keep their defaults, and why."""
REFUSED["dpo"] = _BOTH_REFUSED | {
    "max_length": _WHOLE,
    "truncation_mode": _WHOLE,
    "padding_free": "TRL itself does not read it now",
    "dataset_num_proc": _TOKENS,
    "label_smoothing_factor": "label_smoothing is that of pairs",
    "include_num_input_tokens_seen": "the log has num_tokens",
    **dict.fromkeys(
        ("precompute_ref_log_probs", "precompute_ref_batch_size"), "pairs are drawn after TRL would read them for it"
    ),
}
REFUSED["rft"] = REFUSED["sft"] | _ROUNDS
FIGURES = ("solved_rate", "malformed_rate", "tokens_per_attempt")
"""What an evaluation tells, besides the rates of samples."""
ADAPTIVE = ("reduce_lr_on_plateau", "greedy")
"""Schedules that follow a figure."""
LOSS_TYPES = dict.fromkeys(("sft", "rft"), ("nll", "dft", "chunked_nll")) | {
    "dpo": (
        "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
        "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
    ),
}  # fmt: skip


class Need(NamedTuple):
    """Keys that do nothing unless others have certain values."""

    names: str
    """With blanks; a name that ends in ``*`` is every key that begins so."""
    what: str
    """What they need, as a message says it."""
    holds: Callable[[Any], bool]
    """Whether the other keys have those values."""


NEEDS = (
    Need("vllm_*", "use_vllm true", lambda args: args.use_vllm),
    Need("dataset_num_proc", "mode plan", lambda args: args.mode == "plan"),
    Need("hub_*", "push_to_hub true", lambda args: args.push_to_hub),
    Need("project trackio_*", "report_to trackio", lambda args: "trackio" in _reporters(args)),
    Need("activation_checkpointing_kwargs gradient_checkpointing_kwargs", "activation_checkpointing true",
         lambda args: args.activation_checkpointing or args.gradient_checkpointing),
    Need("liger_kernel_config", "use_liger_kernel true", lambda args: args.use_liger_kernel),
    Need("eval_delay", "an eval_strategy other than no", lambda args: args.eval_strategy != "no"),
    Need("eval_on_start", "an eval_strategy other than no",
         lambda args: args.eval_strategy != "no" or not args.eval_on_start),
    Need("dataloader_persistent_workers dataloader_multiprocessing_context dataloader_in_order",
         "dataloader_num_workers above 0", lambda args: args.dataloader_num_workers > 0),
    Need("fsdp_config", "fsdp", lambda args: bool(args.fsdp)),
    Need("optim optim_args optim_target_modules adam_beta1 adam_beta2 adam_epsilon", "muon_learning_rate unset",
         lambda args: args.muon_learning_rate is None),
    Need("sync_ref_model use_bias_correction_kl", "beta above 0", lambda args: args.beta != 0),
    Need("ref_model_mixup_alpha ref_model_sync_steps", "sync_ref_model true", lambda args: args.sync_ref_model),
    Need("entropy_coef_min entropy_coef_max entropy_coef_delta entropy_target", "use_adaptive_entropy true",
         lambda args: args.use_adaptive_entropy),
    Need("sapo_*", "loss_type sapo", lambda args: args.loss_type == "sapo"),
    Need("vespo_*", "loss_type vespo", lambda args: args.loss_type == "vespo"),
    Need("discopop_tau", "loss_type discopop", lambda args: "discopop" in args.loss_type),
    Need("f_alpha_divergence_coef", "f_divergence_type alpha_divergence",
         lambda args: args.f_divergence_type == "alpha_divergence"),
    Need("loss_weights", "several values of loss_type", lambda args: len(args.loss_type) > 1),
    Need("label_smoothing", "loss_type robust or exo_pair",
         lambda args: bool({"robust", "exo_pair"} & {*args.loss_type})),
    Need("num_completions_to_print log_unique_prompts", "log_completions true", lambda args: args.log_completions),
    Need("max_episode_steps max_turn_tokens", "mode play", lambda args: args.mode == "play"),
    Need("eval_max_tokens", "mode plan", lambda args: args.mode == "plan"),
    Need("expert", "mode play", lambda args: args.mode == "play"),
    Need("label_smoothing_factor", "loss_type nll", lambda args: args.loss_type == "nll"),
    Need("max_tool_calling_iterations", "tool_calls true", lambda args: args.tool_calls),
)  # fmt: skip


def check_keys(args: Any, stage: str) -> None:
    """Raises InvalidConfig for a key of ``args`` that would do nothing, or whose package is missing.

    To be called before TRL's own ``__post_init__``, which fills in values.
    """
    if args.include_num_input_tokens_seen is False:  # as transformers' parser reads its own default, "no"
        args.include_num_input_tokens_seen = "no"
    for name, reason in REFUSED[stage].items():
        if name != "do_eval" or args.eval_strategy == "no":  # else TRL sets it, and a copy has it
            require_default(args, name, reason)
    names = type(args).__dataclass_fields__
    for need in NEEDS:
        for pattern in need.names.split():
            for name in names:
                is_meant = name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
                if is_meant and not has_default(args, name) and not need.holds(args):
                    raise InvalidConfig(f"Expects {need.what} with {name}, actual: {name}={getattr(args, name)!r}")
    if stage in LOSS_TYPES:
        for name in args.loss_type if isinstance(args.loss_type, list) else [args.loss_type]:
            lookup("loss_type", name, dict.fromkeys(LOSS_TYPES[stage]))
    available = get_available_reporting_integrations()
    for reporter in _reporters(args) - {"all", "none"}:
        if reporter not in available:
            raise InvalidConfig(
                f"Expects report_to out of what is installed, {', '.join([*available, 'none'])}, actual: {reporter!r} "
                f"(pip install {reporter})"
            )
    needs_metric = args.load_best_model_at_end or str(getattr(args.lr_scheduler_type, "value", "")) in ADAPTIVE
    if needs_metric or args.metric_for_best_model is not None:
        names = dict.fromkeys((*FIGURES, *(("pass@1", f"pass@{args.eval_samples}") if args.eval_samples else ())))
        lookup("metric_for_best_model", str(args.metric_for_best_model).removeprefix("eval_"), names)
    if args.use_liger_kernel and not is_liger_kernel_available():
        raise InvalidConfig("Expects liger_kernel for use_liger_kernel (pip install liger-kernel), actual: none")
    if not 0 <= args.seed < 2**32:
        raise InvalidConfig(f"Expects seed from 0 to 2**32 - 1, actual: {args.seed}")


def check_optimization(args: Any, model: PreTrainedModel) -> None:
    """Raises InvalidConfig for an optimizer or a schedule that cannot be made, such as one without its package."""
    named = {"optim": args.optim, "lr_scheduler_type": args.lr_scheduler_type}
    try:
        if args.muon_learning_rate is None:
            Trainer.get_optimizer_cls_and_kwargs(args, model)
        optimizer = torch.optim.SGD([torch.zeros(1)])
        get_scheduler(args.lr_scheduler_type, optimizer, 0, 1, args.lr_scheduler_kwargs or None)
    except Exception as error:  # each optimizer and schedule has errors of its own
        values = ", ".join(f"{name}={getattr(value, 'value', value)}" for name, value in named.items())
        reason = " ".join(str(error).split())
        raise InvalidConfig(
            f"Expects an optimizer and a schedule that can be made, actual: {values} ({reason})"
        ) from error


def _reporters(args: Any) -> set[str]:
    given = args.report_to
    return {given} if isinstance(given, str) else set(given or ())
