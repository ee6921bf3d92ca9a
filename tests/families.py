"""Tiny models of the families that ``transformers`` has, built on the spot; windows are smaller than the texts."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from maze_env.vocabulary import VOCABULARY

WINDOW = 8
SIZES = {"vocab_size": len(VOCABULARY), "hidden_size": 32}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
USUAL = SIZES | SPECIAL | {
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}  # fmt: skip
HEADS = USUAL | {"head_dim": 8}
WINDOWED = HEADS | {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
DELTA = HEADS | {
    "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
MAMBA2 = USUAL | {
    "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8, "mamba_chunk_size": 4
}  # fmt: skip
ZAMBA = USUAL | {
    "num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"], "num_key_value_heads": 4,
    "mamba_d_state": 8, "use_mamba_kernels": False,
}  # fmt: skip
LATENT = USUAL | EXPERTS | {
    "num_key_value_heads": 4, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "q_lora_rank": 16,
    "kv_lora_rank": 16, "qk_rope_head_dim": 8, "v_head_dim": 8, "qk_nope_head_dim": 8, "first_k_dense_replace": 1,
    "n_shared_experts": 1,
}  # fmt: skip
STATE_SPACE = SIZES | SPECIAL | {"num_hidden_layers": 2, "state_size": 8}
GPT = SPECIAL | {"vocab_size": len(VOCABULARY), "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}
OLD = SIZES | SPECIAL | {"num_hidden_layers": 2, "num_attention_heads": 4}

FULL = {
    "Llama": ("llama", USUAL),
    "Qwen 2": ("qwen2", USUAL),
    "Qwen 2 MoE": ("qwen2_moe", USUAL | EXPERTS | {"num_experts": 4, "shared_expert_intermediate_size": 16}),
    "Qwen 3": ("qwen3", HEADS),
    "Qwen 3 MoE": ("qwen3_moe", HEADS | EXPERTS | {"num_experts": 4}),
    "Gemma": ("gemma", HEADS),
    "Mistral": ("mistral", USUAL | {"sliding_window": None}),
    "Mixtral": ("mixtral", USUAL | {"num_local_experts": 4}),
    "Phi": ("phi", USUAL),
    "Phi 3": ("phi3", USUAL | {"sliding_window": None}),
    "OLMo": ("olmo", USUAL),
    "OLMo 2": ("olmo2", USUAL),
    "OLMoE": ("olmoe", USUAL | {"num_experts": 4, "num_experts_per_tok": 2}),
    "Granite": ("granite", USUAL),
    "Granite MoE": ("granitemoe", USUAL | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "SmolLM 3": ("smollm3", USUAL | {"no_rope_layers": [1, 0]}),
    "StableLM": ("stablelm", USUAL),
    "Cohere": ("cohere", USUAL),
    "DeepSeek V3": ("deepseek_v3", LATENT),
    "DeepSeek V2": ("deepseek_v2", LATENT),
    "Apertus": ("apertus", USUAL),
    "Arcee": ("arcee", USUAL),
    "Helium": ("helium", HEADS),
    "Hunyuan": ("hunyuan_v1_dense", HEADS),
    "nanochat": ("nanochat", USUAL),
    "CodeGen": ("codegen", GPT | {"rotary_dim": 4}),
    "GLM 4": ("glm4", HEADS),
    "ERNIE 4.5": ("ernie4_5", HEADS),
    "Seed-OSS": ("seed_oss", HEADS),
    "Nemotron": ("nemotron", USUAL),
    "MiniMax M2": ("minimax_m2", HEADS | {"num_local_experts": 2, "num_experts_per_tok": 1}),
    "GPT-2": ("gpt2", GPT),
    "GPT-NeoX": ("gpt_neox", USUAL),
    "GPT-J": ("gptj", GPT | {"rotary_dim": 4}),
    "GPT-BigCode": ("gpt_bigcode", GPT),
    "OPT": ("opt", OLD | {"ffn_dim": 48, "max_position_embeddings": 512, "word_embed_proj_dim": 32}),
    "Falcon": ("falcon", OLD | {"alibi": True, "parallel_attn": False, "multi_query": False}),
    "XGLM": ("xglm", SPECIAL | {
        "vocab_size": len(VOCABULARY), "d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 4,
    }),
}  # fmt: skip
"""Attention to everything, with positions that a caller may give."""
PLACES = {
    "Qwen 2 with a window": ("qwen2", USUAL | {
        "use_sliding_window": True, "sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"],
    }),
    "Mistral with a window": ("mistral", USUAL | {"sliding_window": WINDOW}),
    "Gemma 2": ("gemma2", HEADS | {"sliding_window": WINDOW}),
    "Gemma 3": ("gemma3_text", WINDOWED),
    "Gemma 3n": ("gemma3n_text", WINDOWED | {
        "vocab_size_per_layer_input": len(VOCABULARY), "hidden_size_per_layer_input": 8, "laurel_rank": 4,
        "num_kv_shared_layers": 0, "altup_num_inputs": 2, "activation_sparsity_pattern": [0.0, 0.0],
    }),
    "Gemma 4": ("gemma4_text", WINDOWED | {
        "global_head_dim": 8, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": len(VOCABULARY),
    }),
    "Phi 3 with a window": ("phi3", USUAL | {"sliding_window": WINDOW}),
    "gpt-oss": ("gpt_oss", WINDOWED | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "OLMo 3": ("olmo3", WINDOWED),
    "Cohere 2": ("cohere2", WINDOWED),
    "Ministral": ("ministral", WINDOWED),
    "Granite with windows": ("granite_swa", WINDOWED),
    "VaultGemma": ("vaultgemma", WINDOWED),
    "EXAONE 4": ("exaone4", WINDOWED),
    "StarCoder 2": ("starcoder2", USUAL | {"sliding_window": WINDOW}),
    "Llama 4": ("llama4_text", HEADS | {
        "intermediate_size_mlp": 48, "num_local_experts": 2, "attention_chunk_size": WINDOW,
        "layer_types": ["chunked_attention", "full_attention"],
    }),
    "GPT-Neo": ("gpt_neo", SIZES | SPECIAL | {
        "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": WINDOW,
        "max_position_embeddings": 512,
    }),
    "MPT": ("mpt", SPECIAL | {
        "vocab_size": len(VOCABULARY), "d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512,
    }),
    "Bloom": ("bloom", SIZES | SPECIAL | {"n_layer": 2, "n_head": 4}),
}  # fmt: skip
"""Sliding windows, chunks, and distances that are counted in places."""
RECURRENT = {
    "Qwen 3.5": ("qwen3_5_text", DELTA),
    "Qwen 3.5 MoE": (
        "qwen3_5_moe_text", DELTA | EXPERTS | {"num_experts": 4, "shared_expert_intermediate_size": 16},
    ),
    "Qwen 3 Next": ("qwen3_next", DELTA | EXPERTS | {"num_experts": 4, "shared_expert_intermediate_size": 16}),
    "OLMo Hybrid": ("olmo_hybrid", DELTA | {"linear_num_value_heads": 2}),
    "LFM 2": ("lfm2", USUAL | {"layer_types": ["conv", "full_attention"]}),
    "Falcon-H1": ("falcon_h1", MAMBA2 | {"mamba_d_ssm": 64}),
    "Granite 4 H": ("granitemoehybrid", MAMBA2 | {
        "layer_types": ["mamba", "attention"], "num_local_experts": 0, "shared_intermediate_size": 32,
    }),
    "Bamba": ("bamba", MAMBA2 | {"attn_layer_indices": [1]}),
    "Jamba": ("jamba", USUAL | {
        "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": 2, "use_mamba_kernels": False, "mamba_d_state": 8,
    }),
    "Nemotron-H": ("nemotron_h", HEADS | {
        "layers_block_type": ["mamba", "attention"], "mamba_num_heads": 4, "mamba_head_dim": 8, "n_groups": 1,
        "ssm_state_size": 8, "chunk_size": 4,
    }),
    "Kimi Linear": ("kimi_linear", LATENT | {
        "layer_types": ["linear_attention", "full_attention"], "num_local_experts": 4, "linear_head_dim": 8,
        "linear_num_heads": 2,
    }),
    "Zamba": ("zamba", ZAMBA | {"n_mamba_heads": 2, "attention_head_dim": 16}),
    "Zamba 2": ("zamba2", ZAMBA | {
        "n_mamba_heads": 8, "mamba_headdim": 8, "mamba_ngroups": 1, "chunk_size": 4, "num_mem_blocks": 1,
    }),
    "Mamba": ("mamba", STATE_SPACE),
    "Mamba 2": ("mamba2", STATE_SPACE | {"num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 4}),
    "Falcon Mamba": ("falcon_mamba", STATE_SPACE),
}  # fmt: skip
"""Layers that keep a state, alone or beside attention."""
OWN_STATE = {
    "RecurrentGemma": ("recurrent_gemma", USUAL | {
        "block_types": ["recurrent", "attention"], "attention_window_size": WINDOW, "lru_width": 32,
    }),
    "RWKV": ("rwkv", SIZES | SPECIAL | {"num_hidden_layers": 2, "attention_hidden_size": 32}),
    "xLSTM": ("xlstm", SIZES | SPECIAL | {"hidden_size": 128, "num_blocks": 2, "num_heads": 2, "chunk_size": 8}),
    "MiniMax": ("minimax", HEADS | {
        "layer_types": ["linear_attention", "full_attention"], "num_local_experts": 2, "num_experts_per_tok": 1,
        "block_size": 4,
    }),
}  # fmt: skip
"""A state in a class or in modules of their own."""
INDEXED = LATENT | {"index_n_heads": 2, "index_head_dim": 16, "index_topk": 4}
"""Of DeepSeek V3.2 and GLM DSA, whose layers pick what they see."""
FAMILIES = FULL | PLACES | RECURRENT | OWN_STATE


def build(name, seed=0):
    """A model of this family."""
    kind, options = FAMILIES[name]
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **options)).eval()
    enliven(model)
    return model


@torch.no_grad()
def enliven(model):
    """Makes weights so large that each token of a text tells in what follows."""
    for parameter in model.parameters():
        if parameter.dim() == 2:
            parameter.mul_(0.2 / parameter.std().clamp(min=1e-6))
