"""Placeholder until the real one lands."""
from __future__ import annotations
import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from mercap.records import Diarization, Span, Turn
class SileroDetector:
    def __init__(self, threshold=0.5, min_silence_ms=300, speech_pad_ms=30): self.o=VadOptions(threshold=threshold,min_silence_duration_ms=min_silence_ms,speech_pad_ms=speech_pad_ms)
    def diarize(self, audio, sample_rate):
        d=len(audio)/sample_rate
        sp=[Span(start_s=x["start"]/sample_rate,end_s=min(d,x["end"]/sample_rate)) for x in get_speech_timestamps(audio.astype(np.float32)/32768,self.o)]
        s=sum(x.end_s-x.start_s for x in sp)
        return Diarization(speech=tuple(sp),turns=tuple(Turn(start_s=x.start_s,end_s=x.end_s) for x in sp),duration_s=d,speech_s=s,speech_ratio=min(1,s/d if d else 0))
