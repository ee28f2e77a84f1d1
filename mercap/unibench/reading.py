"""What a score of MER-UniBench can and cannot say, in plain words; the same in every form of the report."""

from __future__ import annotations

from mercap.unibench.suite import Suite

READING = (
    "A score is a share in percent: hit rate for one emotion, weighted F1 (WAF) for sentiment, F for open vocabulary.",
    (
        "The protocol score takes the best checkpoint of every test set, chosen on that very set, as published. That "
        "is a maximum over test results and flatters every system. The one-checkpoint score is that of the checkpoint "
        "with the highest mean over the other sets."
    ),
    (
        "Checkpoints of the released AffectGPT differ by up to 6 points on one set, and the 95 % interval of a small "
        "set reaches 4 points to either side. Differences of 1 or 2 points between systems are within that spread."
    ),
    (
        "Hit rate rewards long lists: an answer that names six basic emotions scores near 100 without a look at the "
        "clip. So precision, the number of labels per answer and the constant answers stand in the same table."
    ),
    "Published rules leave out every clip whose gold is neutral, or is a word that a wheel does not hold.",
    (
        "An interval says how much a score would vary with other clips of the same kind. It says nothing about the "
        "choice of checkpoints, about clips that a model was trained on, or about how well these sets stand for people "
        "elsewhere."
    ),
    "The rules and what differs between them: docs/unibench.md.",
)


def headline(suite: Suite) -> str:
    """What was scored, and how."""
    rules = suite.rules
    systems = ", ".join(system.name for system in suite.systems)
    drawn = f"{rules.resamples:,} resamples, seed {rules.seed}" if rules.resamples else "no intervals"
    sets = ", ".join(dataset.title for dataset in suite.datasets)
    return f"{systems} on {sets}. Protocol {rules.protocol}, level 1 of the emotion wheels; {drawn}."
