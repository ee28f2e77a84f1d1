"""Chinese phrases (written standard Chinese, simplified characters): the same keys and numbers as the English ones.

No phrase names an emotion, a person, age or sex. The narrative stays English and takes `phrases_en.NAMES` instead.
"""

from __future__ import annotations

from mercap.cues.phrases import Phrases

PHRASES = Phrases(
    told={
        # the face
        "faces": "画面中有一张脸，{frames} 帧中有 {face_frames} 帧可见。",
        "faces.several": "画面中最多同时出现 {people_max} 张脸；这里描述的是主要的一张，"
        "{frames} 帧中有 {face_frames} 帧可见。",
        "face_comes": "脸在片段末尾出现的时间远多于开头。",
        "face_goes": "脸在片段开头出现的时间远多于末尾。",
        "mouth_unreadable": "嘴部无法辨认。",
        "smile": "嘴角在 {face_frames} 帧中有 {smile_frames} 帧明显上扬。",
        "smile_grows": "嘴角上扬的情形在片段末尾远多于开头。",
        "smile_fades": "嘴角上扬的情形在片段开头远多于末尾。",
        "frown": "嘴角在 {face_frames} 帧中有 {frown_frames} 帧明显下垂。",
        "frown_grows": "嘴角下垂的情形在片段末尾远多于开头。",
        "frown_fades": "嘴角下垂的情形在片段开头远多于末尾。",
        "level_mouth": "嘴角既没有明显上扬，也没有明显下垂。",
        "open_mouth": "嘴巴在 {face_frames} 帧中有 {mouth_open_frames} 帧张开。",
        "still_mouth": "嘴巴几乎不动。",
        "still_mouth.under_voice": "虽然能听到说话声，嘴巴却几乎不动。",
        "moving_mouth": "嘴巴在动。",
        "speaking": "嘴巴的开合与说话声同步。",
        "perhaps_speaking": "嘴巴在动，与说话声大致同步。",
        "out_of_time": "嘴巴在动，但与说话声不同步。",
        "inner_brows_raised": "眉头向上抬起。",
        "inner_brows_lowered": "眉头向下压低。",
        "brows_raised": "双眉抬得较高，离眼睛较远。",
        "brows_low": "双眉压得较低，离眼睛较近。",
        "level_brows": "双眉平直。",
        "head_motion": "头部动作较多。",
        # the picture
        "black_picture": "画面在 {black_ratio:.0%} 的帧中几乎全黑。",
        "frozen_picture": "画面有 {frozen_ratio:.0%} 的时间静止不动。",
        "blurred_picture": "脸部画面模糊。",
        # the voice
        "low_pitch": "音调较低（中位数 {pitch_median_hz:.0f} Hz）",
        "middle_pitch": "音调中等（中位数 {pitch_median_hz:.0f} Hz）",
        "high_pitch": "音调较高（中位数 {pitch_median_hz:.0f} Hz）",
        "narrow_range": "语调平缓（音高跨度 {pitch_range_st:.1f} 个半音）",
        "middle_range": "语调起伏适中（音高跨度 {pitch_range_st:.1f} 个半音）",
        "wide_range": "语调起伏较大（音高跨度 {pitch_range_st:.1f} 个半音）",
        "slow": "语速较慢（每秒 {syllables_per_s:.1f} 个音节）",
        "middle_rate": "语速适中（每秒 {syllables_per_s:.1f} 个音节）",
        "fast": "语速较快（每秒 {syllables_per_s:.1f} 个音节）",
        "quiet": "音量较小（中位数 {loudness_dbfs:.0f} dBFS）",
        "middle_level": "音量适中（中位数 {loudness_dbfs:.0f} dBFS）",
        "loud": "音量较大（中位数 {loudness_dbfs:.0f} dBFS）",
        "hardly_voiced": "只有 {voiced_ratio:.0%} 的话语带有嗓音，近似耳语。",
        "rising_pitch": "语句之内，音调平均每秒上升 {pitch_slope_st_per_s:.1f} 个半音。",
        "falling_pitch": "语句之内，音调平均每秒下降 {pitch_slope_st_per_s:.1f} 个半音。",
        "higher_later": "末尾的音调比开头高 {pitch_change_st:.1f} 个半音。",
        "lower_later": "末尾的音调比开头低 {pitch_change_st:.1f} 个半音。",
        "louder_later": "末尾的说话声比开头响 {loudness_change_db:.0f} dB。",
        "quieter_later": "末尾的说话声比开头轻 {loudness_change_db:.0f} dB。",
        "pauses": "从开口到说完共停顿 {pauses} 次，其间 {pause_ratio:.0%} 的时间没有说话声。",
        "sharp_sound": "音色尖锐（每倍频程 {spectral_tilt_db_per_octave:.1f} dB）。",
        "soft_sound": "音色柔和（每倍频程 {spectral_tilt_db_per_octave:.1f} dB）。",
        # the recording
        "clipped_sound": "录音过载，{clipped_ratio:.1%} 的采样点被削平。",
        "near_background": "说话声与背景声相差不大（信噪比约 {snr_db:.0f} dB）。",
    },
    frames={"voice": "{parts}。", "speech": "{parts}。"},
    joint="，",
    between="",
)
