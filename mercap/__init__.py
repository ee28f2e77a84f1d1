"""The library: what mercap knows about clips, cues, captions and models. It neither schedules nor stores."""
