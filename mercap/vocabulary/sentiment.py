"""Which sentiment each basic class has. Surprise has none of its own."""

from __future__ import annotations

from mercap.records import Emotion, Sentiment

SENTIMENT_OF: dict[Emotion, Sentiment] = {
    Emotion.HAPPY: Sentiment.POSITIVE,
    Emotion.SAD: Sentiment.NEGATIVE,
    Emotion.ANGRY: Sentiment.NEGATIVE,
    Emotion.SURPRISED: Sentiment.NEUTRAL,
    Emotion.FEARFUL: Sentiment.NEGATIVE,
    Emotion.DISGUSTED: Sentiment.NEGATIVE,
    Emotion.NEUTRAL: Sentiment.NEUTRAL,
}
