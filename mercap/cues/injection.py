"""Does a text read like an instruction to a model? Subtitles are untrusted: some will be written for the annotator.

A list of patterns finds the usual wordings, in English and Chinese; it is a tripwire, not a defence. What it
finds is still quoted in the narrative, is not used as evidence there, and can be screened out. Costs
microseconds.
"""

from __future__ import annotations

import re
import unicodedata

_MODEL_WORDS = (
    r"(?:(?:an?|helpful) assistant|language model|chat ?bot|chatgpt|an? ai\b|an? model|in \w+ mode|jailbroken|dan\b)"
)
_ASKED_FOR = r"(?:label|emotion|sentiment|json|word|answer|following|string|token|exactly|only)"
_PATTERNS = (
    # English
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|prompts?|rules|guidelines)\b",
    r"\b(?:system|developer) (?:prompt|message|instructions?)\b",
    rf"\byou are (?:now |actually )?(?:an? )?(?:\w+ )?{_MODEL_WORDS}",
    rf"\b(?:pretend|act) (?:to be|as|like) {_MODEL_WORDS}",
    r"\bas an? (?:ai|language model|assistant)\b",
    rf"\b(?:respond|reply|answer)(?: only| exactly| just)? with\b.{{0,20}}\b{_ASKED_FOR}\b",
    r"\b(?:respond|reply|answer) (?:only|exactly) with\b",
    rf"\b(?:output|print|return|write)\b.{{0,20}}\b(?:the )?{_ASKED_FOR}\b",
    r"\b(?:classify|label|annotate|tag|mark|caption) (?:this|the|it)\b.{0,30}\bas\b",
    r"\bset (?:the )?(?:label|emotion|sentiment)s?\b.{0,10}\bto\b",
    r"\b(?:new|updated|following) instructions?\b\s*:",
    # marks of chat templates
    r"<\|[a-z_]{2,30}\|>|\[/?inst\]|<</?sys>>|###\s*(?:instruction|system|response)",
    r"(?:^|\n)\s*(?:system|assistant|user)\s*:",
    # Chinese
    r"(?:忽略|无视|忘记|忘掉|不要理会).{0,12}(?:指令|指示|提示|命令|规则)",
    r"系统(?:提示|指令|消息)|提示词",
    r"你(?:现在)?(?:是|扮演).{0,8}(?:助手|模型|机器人|人工智能|ai)",
    r"(?:输出|回复|返回|打印).{0,8}(?:标签|情感|情绪|以下|json)",
    r"(?:标注|标记|分类)(?:为|成)",
)
_INSTRUCTION = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)


def reads_like_instruction(text: str) -> bool:
    """True if any of the patterns is found, whatever the letter width, spacing or invisible characters."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    return _INSTRUCTION.search(re.sub(r"[^\S\n]+", " ", visible)) is not None
