"""AffectGPT: cached features of face and voice, fused before a language model, and answered in words.

Importing this package loads nothing heavy; `torch`, `transformers` and `peft` (extra `train`) come with its modules.
"""
